"""What ``kedge bench flow`` is measured against: the same query by hand, and the same expressions as a Python loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["by_duckdb", "by_polars", "generate", "recur"]

ORDERS = "{id: 'BIGINT', product: 'INT', quantity: 'INT', price: 'DOUBLE', day: 'DATE', status: 'VARCHAR'}"
PRODUCTS = "{product: 'INT', category: 'VARCHAR', cost: 'DOUBLE'}"
QUERY = """COPY (
WITH orders AS (
  SELECT *, quantity * price AS revenue FROM read_csv('{folder}/orders.csv', columns = {orders}, header = true)
  WHERE quantity > 2),
computed AS (
  SELECT *, CASE WHEN quantity > 10 THEN revenue * 0.9 ELSE revenue END AS discounted,
    upper(left(status, 3)) AS code, year(day) AS year FROM orders)
SELECT category, year, code, count(*) AS orders, sum(discounted) AS total, avg(price) AS price, max(quantity) AS most
FROM computed JOIN read_csv('{folder}/products.csv', columns = {products}, header = true) USING (product)
GROUP BY ALL ORDER BY total DESC) TO '{folder}/duckdb.csv' (HEADER)"""


def by_duckdb(folder: Path) -> None:
    """The query as one writes it by hand for DuckDB, with the types in the reader; the result is ``duckdb.csv``."""
    with duckdb.connect() as connection:
        connection.execute(QUERY.format(folder=folder, orders=ORDERS, products=PRODUCTS))


def by_polars(folder: Path) -> None:
    """The query in Polars, lazy and on its streaming engine; the result is ``polars.csv``."""
    import polars as pl

    types = {"id": pl.Int64, "product": pl.Int32, "quantity": pl.Int32, "price": pl.Float64, "day": pl.Date}
    orders = pl.scan_csv(folder / "orders.csv", schema={**types, "status": pl.String})
    products = pl.scan_csv(
        folder / "products.csv", schema={"product": pl.Int32, "category": pl.String, "cost": pl.Float64}
    )
    revenue, many = pl.col("revenue"), pl.col("quantity") > 10
    computed = (
        orders.filter(pl.col("quantity") > 2)
        .with_columns(revenue=pl.col("quantity") * pl.col("price"))
        .with_columns(
            discounted=pl.when(many).then(revenue * 0.9).otherwise(revenue),
            code=pl.col("status").str.head(3).str.to_uppercase(),
            year=pl.col("day").dt.year(),
        )
    )
    grouped = computed.join(products, on="product").group_by("category", "year", "code")
    summary = grouped.agg(
        pl.len().alias("orders"),
        pl.col("discounted").sum().alias("total"),
        pl.col("price").mean(),
        pl.col("quantity").max().alias("most"),
    )
    summary.sort("total", descending=True).collect(engine="streaming").write_csv(folder / "polars.csv")


def generate(limit: float) -> list[float]:
    """The rows of the GenerateRows tool, by a plain loop."""
    values = []
    value = 1.0
    while value < limit:
        values.append(value)
        value = value * 1.000001 + 1
    return values


def recur(rows: int) -> list[float]:
    """The column of the MultiRowFormula tool, by a plain loop."""
    totals = []
    total = 0.0
    for number in range(1, rows + 1):
        total = total * 0.9 + number
        totals.append(total)
    return totals
