"""dlt: a destination that uploads the files of a table. A load that failed or died is repeated with the same names."""

import os
from urllib.parse import quote

import dlt
import pandas as pd

import ikpipe

SHOP = os.environ.get("SHOP", "/data/shop")


@dlt.destination(name="imagekit", batch_size=1_000, skip_dlt_columns_and_tables=False)
def imagekit(items, table, secret: dict = dlt.secrets.value):
    """Upload a batch of rows; dlt repeats the batch if this raises an exception."""
    if table["name"].startswith("_dlt"):
        return
    rows = pd.DataFrame(items)
    batch = rows["_dlt_id"][0]  # dlt gives each row an id, which a repeated batch keeps
    results = ikpipe.upload(
        rows,
        ikpipe.Account(**secret),
        root=f"{SHOP}/pictures",
        columns={"file": "picture"},
        path=f"/{table['name']}/{{sku}}.gif",
        run=f"{table['name']}-{batch}",
        progress=False,
        on_error="raise",
    )
    ikpipe.write_results(results, f"{SHOP}/results/{quote(batch, safe='')}.parquet")


@dlt.resource
def products():
    """Yield the rows of a table."""
    yield pd.read_csv(f"{SHOP}/products.csv", dtype=str).to_dict("records")  # Arrow tables would have no _dlt_id


if __name__ == "__main__":
    print(dlt.pipeline("products", destination=imagekit).run(products()))
