"""The expression language of Designer: parsing, typing, translation to SQL, and evaluation row by row."""
