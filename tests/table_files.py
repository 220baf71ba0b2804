"""Small tables as programs write them, and what must be read from them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Row = list[Any]


class TableFile(NamedTuple):
    """A file of a program: its name, how it is written, the options to read it, and the table that must come out."""

    name: str
    write: Callable[[Path], object]
    options: dict[str, str]
    columns: list[str]
    rows: list[Row]

    def __repr__(self) -> str:
        return self.name


COLUMNS = ["sku", "name", "file"]
ROWS: list[Row] = [
    ["007", "Größe, 12 cm", "https://shop.example/a.jpg"],
    ["0008", None, "https://shop.example/b c.jpg"],
    ["9", 'Disc 12"; rot', "https://shop.example/ü.jpg"],
]
PLAIN: list[Row] = [["007", "Hat", "https://shop.example/a.jpg"], ["0008", "Shoe", "https://shop.example/b.jpg"]]


def delimited(
    rows: Sequence[Sequence[Any]] = ROWS, header: Sequence[Any] = COLUMNS, missing: str = "", **dialect: Any
) -> str:
    """Return a table as text, in a dialect of the csv module."""
    text = io.StringIO()
    writer = csv.writer(text, **{"lineterminator": "\r\n", **dialect})
    writer.writerow(header)
    writer.writerows([missing if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()


def text(
    name: str,
    content: str,
    encoding: str = "utf-8",
    options: dict[str, str] | None = None,
    columns: list[str] = COLUMNS,
    rows: list[Row] = ROWS,
) -> TableFile:
    """Return a file of text."""
    return TableFile(name, lambda path: path.write_bytes(content.encode(encoding)), options or {}, columns, rows)


def records(rows: list[Row] = ROWS) -> list[dict[str, Any]]:
    """Return rows as objects."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def lines(objects: list[dict[str, Any]], **dialect: Any) -> str:
    """Return objects as JSON lines."""
    return "".join(json.dumps(one, **dialect) + "\n" for one in objects)


def frame() -> pd.DataFrame:
    """Return the table as a frame."""
    return pd.DataFrame(ROWS, columns=COLUMNS)


def spark_folder(path: Path, *partitions: str) -> None:
    """Write a folder as Spark does: a file for each row, and others that are no tables."""
    path.mkdir()
    (path / "_SUCCESS").touch()
    for at, row in enumerate(ROWS):
        folder = path / partitions[at] if partitions else path
        folder.mkdir(exist_ok=True)
        name = f"part-{at:05}-5c1b2d0e-d6a5-4a12-9f3c.c000.snappy.parquet"
        pq.write_table(
            pa.table({column: pa.array([cell], pa.string()) for column, cell in zip(COLUMNS, row, strict=True)}),
            folder / name,
        )
        (folder / f".{name}.crc").write_bytes(b"crc")


def compressed(name: str, codec: str) -> TableFile:
    """Return a compressed CSV file."""

    def write(path: Path) -> None:
        with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), codec) as stream:
            stream.write(delimited().encode())

    return TableFile(name, write, {}, COLUMNS, ROWS)


TEXT_FILES = [
    # Spreadsheets
    text("excel_csv_utf8.csv", delimited(), "utf-8-sig"),
    text("excel_unicode_text.txt", "\ufeff" + delimited(delimiter="\t"), "utf-16-le"),
    text("excel_german.csv", delimited(delimiter=";"), "cp1252", {"encoding": "windows-1252"}),
    text("excel_german_utf8.csv", delimited(delimiter=";"), "utf-8-sig"),
    text("excel_german_text.txt", delimited(delimiter="\t"), "cp1252", {"encoding": "ANSI_X3.4-1968"}),
    text(
        "excel_japanese.csv",
        delimited([["1", "帽子①", "a.jpg"]]),
        "cp932",
        {"encoding": "shift_jis"},
        rows=[["1", "帽子①", "a.jpg"]],
    ),
    text(
        "excel_russian.csv",
        delimited([["1", "Шапка", "a.jpg"]], delimiter=";"),
        "cp1251",
        {"encoding": "windows-1251"},
        rows=[["1", "Шапка", "a.jpg"]],
    ),
    text(
        "excel_korean.csv",
        delimited([["1", "모자", "a.jpg"]]),
        "cp949",
        {"encoding": "euc-kr"},
        rows=[["1", "모자", "a.jpg"]],
    ),
    text("excel_mac.csv", delimited(lineterminator="\r"), "mac-roman", {"encoding": "macintosh"}),
    text("excel_mac_utf8.csv", delimited(lineterminator="\r", delimiter=";")),
    text("excel_separator_line.csv", "sep=;\r\n" + delimited(delimiter=";"), "utf-8-sig"),
    text("excel_separator_comma.csv", "sep=,\r\n" + delimited()),
    text("excel_separator_tab.csv", '"sep=\t"\r\n' + delimited(delimiter="\t"), "utf-16"),
    text(
        "excel_cleared_columns.csv",
        "sku;name;file;;\r\n007;Hat;a.jpg;;\r\n8;Shoe;b.jpg\r\n;;;;\r\n;;;;\r\n",
        rows=[["007", "Hat", "a.jpg"], ["8", "Shoe", "b.jpg"]],
    ),
    text(
        "excel_cell_with_lines.csv",
        delimited([["1", "two\nlines", "a.jpg"]], delimiter=";"),
        "utf-8-sig",
        rows=[["1", "two\nlines", "a.jpg"]],
    ),
    text("libreoffice.csv", delimited(lineterminator="\n")),
    text("libreoffice_quoted.csv", delimited(quoting=csv.QUOTE_ALL, lineterminator="\n")),
    text("libreoffice_utf16.csv", delimited(lineterminator="\n"), "utf-16"),
    text(
        "libreoffice_single_quotes.csv", "sku,file\n'007',a.jpg\n", columns=["sku", "file"], rows=[["'007'", "a.jpg"]]
    ),
    text("google_sheets.csv", delimited().removesuffix("\r\n")),
    text("google_sheets.tsv", delimited(PLAIN, delimiter="\t").removesuffix("\r\n"), rows=PLAIN),
    text("numbers.csv", delimited(delimiter=";").removesuffix("\r\n")),
    text("wps.csv", delimited([["1", "帽子", "a.jpg"]]), "gbk", {"encoding": "gbk"}, rows=[["1", "帽子", "a.jpg"]]),
    text("airtable.csv", delimited(), "utf-8-sig"),
    # Statistics
    text(
        "r_write_csv.csv",
        '"","sku","file"\n"1","007","a.jpg"\n"2","8",NA\n',
        columns=["", "sku", "file"],
        rows=[["1", "007", "a.jpg"], ["2", "8", "NA"]],
    ),
    text(
        "r_write_csv2.csv",
        '"";"sku";"price"\n"1";"007";1,5\n',
        columns=["", "sku", "price"],
        rows=[["1", "007", "1,5"]],
    ),
    text("r_fwrite.csv", delimited(delimiter="|", lineterminator="\n")),
    text("r_write_table.tsv", delimited(PLAIN, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n"), rows=PLAIN),
    text("stata_export_delimited.csv", delimited(lineterminator="\n")),
    text("stata_tab.txt", delimited(PLAIN, delimiter="\t", lineterminator="\n"), rows=PLAIN),
    text("spss.csv", delimited(delimiter=";"), "utf-8-sig"),
    text("sas_export.csv", delimited(), "cp1252", {"encoding": "latin1"}),
    text("matlab_writetable.txt", delimited(PLAIN, lineterminator="\n"), rows=PLAIN),
    # Databases
    text("duckdb_copy.csv", delimited(lineterminator="\n")),
    text("duckdb_copy_pipe.csv", delimited(delimiter="|", lineterminator="\n")),
    text("duckdb_array.json", "[\n\t" + ",\n\t".join(json.dumps(one) for one in records()) + "\n]\n"),
    text(
        "mysql_outfile.csv",
        'sku,file\n"007","a.jpg"\n"8",\\N\n',
        columns=["sku", "file"],
        rows=[["007", "a.jpg"], ["8", "\\N"]],
    ),
    text(
        "mysql_batch.tsv",
        "sku\tfile\n007\ta.jpg\n8\tNULL\n",
        columns=["sku", "file"],
        rows=[["007", "a.jpg"], ["8", "NULL"]],
    ),
    text("mysql_workbench.csv", delimited(delimiter=";", lineterminator="\n")),
    text("postgres_copy.csv", delimited(lineterminator="\n")),
    text(
        "postgres_copy_text.tsv",
        "sku\tfile\n007\ta.jpg\n8\t\\N\n",
        columns=["sku", "file"],
        rows=[["007", "a.jpg"], ["8", "\\N"]],
    ),
    text("sqlite_mode_csv.csv", delimited()),
    text("sqlite_mode_list.txt", delimited(PLAIN, delimiter="|", lineterminator="\n"), rows=PLAIN),
    text("sqlite_mode_tabs.tsv", delimited(PLAIN, delimiter="\t", lineterminator="\n"), rows=PLAIN),
    text("sqlite_mode_json.json", "[" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in records()) + "]\n"),
    text("sql_server_studio.csv", delimited(delimiter=";"), "utf-8-sig"),
    text("sql_server_bcp.txt", delimited(PLAIN, delimiter="\t"), "utf-16-le", {"encoding": "utf-16-le"}, rows=PLAIN),
    text("oracle_sql_developer.csv", delimited(quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")),
    text("access.txt", delimited(quoting=csv.QUOTE_ALL, delimiter=";"), "cp1252", {"encoding": "cp1252"}),
    text("athena.csv", delimited(quoting=csv.QUOTE_ALL, lineterminator="\n")),
    text("mongoexport.json", lines(records(), separators=(",", ":"))),
    text("mongoexport_array.json", json.dumps(records(), indent=2)),
    TableFile(
        "bigquery.json.gz", lambda path: path.write_bytes(gzip.compress(lines(records()).encode())), {}, COLUMNS, ROWS
    ),
    # Shops and ERP systems
    text("shopify.csv", delimited(quoting=csv.QUOTE_MINIMAL, lineterminator="\n")),
    text("salesforce_data_loader.csv", delimited(quoting=csv.QUOTE_ALL, lineterminator="\n"), "utf-8-sig"),
    text(
        "sap_list.txt",
        "\r\n\r\n\t\tSKU\tFile\r\n\r\n\t\t007\ta.jpg\r\n\t\t8\tb.jpg\r\n",
        "utf-16",
        columns=["", "", "SKU", "File"],
        rows=[[None, None, "007", "a.jpg"], [None, None, "8", "b.jpg"]],
    ),
    text(
        "sap_semicolons.csv",
        ";;;\r\n;SKU;File;\r\n;007;a.jpg;\r\n",
        columns=["", "SKU", "File"],
        rows=[[None, "007", "a.jpg"]],
    ),
    text("java_utf16be.csv", "\ufeff" + delimited(), "utf-16-be"),
    text("utf32.csv", delimited(), "utf-32"),
    text(
        "repeated_columns.csv",
        "sku,note,file,note\n007,x,a.jpg,y\n",
        columns=["sku", "note", "file", "note"],
        rows=[["007", "x", "a.jpg", "y"]],
    ),
    # Shells and programs
    text(
        "powershell_export_csv.csv",
        "#TYPE System.Management.Automation.PSCustomObject\r\n" + delimited(quoting=csv.QUOTE_ALL),
        "utf-16",
    ),
    text("powershell_redirection.csv", delimited(), "utf-16"),
    text("powershell_7.csv", delimited(quoting=csv.QUOTE_ALL)),
    text("powershell_convertto_json.json", json.dumps(records(), indent=4).replace("\n", "\r\n"), "utf-16"),
    text("jq_compact.ndjson", lines(records())),
    text("jq_array.json", json.dumps(records(), indent=2, ensure_ascii=False)),
    text("javascript.jsonl", lines(records(), ensure_ascii=False).replace("\n", "\r\n"), "utf-8-sig"),
    text(
        "pandas_index.csv",
        frame().to_csv(),
        columns=["", *COLUMNS],
        rows=[[str(at), *row] for at, row in enumerate(ROWS)],
    ),
    text("pandas_for_excel.csv", frame().to_csv(sep=";", index=False), "utf-8-sig"),
    TableFile("pandas.csv.gz", lambda path: frame().to_csv(path, index=False), {}, COLUMNS, ROWS),
    TableFile("pandas_records.json", lambda path: frame().to_json(path, orient="records"), {}, COLUMNS, ROWS),
    TableFile(
        "pandas_lines.jsonl.gz", lambda path: frame().to_json(path, orient="records", lines=True), {}, COLUMNS, ROWS
    ),
    TableFile("polars.csv", lambda path: pl.DataFrame(frame()).write_csv(path), {}, COLUMNS, ROWS),
    TableFile("polars.tsv", lambda path: pl.DataFrame(frame()).write_csv(path, separator="\t"), {}, COLUMNS, ROWS),
    TableFile("polars.ndjson", lambda path: pl.DataFrame(frame()).write_ndjson(path), {}, COLUMNS, ROWS),
    compressed("zstd.csv.zst", "zstd"),
    TableFile(
        "bgzip.csv.gz",
        lambda path: path.write_bytes(
            b"".join(gzip.compress(line.encode()) for line in delimited().splitlines(keepends=True))
        ),
        {},
        COLUMNS,
        ROWS,
    ),
    text("no_extension", delimited(delimiter=";"), options={"format": "csv"}),
    text(
        "spark_part.json", lines([{key: value for key, value in one.items() if value is not None} for one in records()])
    ),
]
PARQUET_FILES = [
    TableFile("pandas.parquet", lambda path: frame().to_parquet(path, index=False), {}, COLUMNS, ROWS),
    TableFile("polars.parquet", lambda path: pl.DataFrame(frame()).write_parquet(path), {}, COLUMNS, ROWS),
    TableFile("spark", spark_folder, {}, COLUMNS, ROWS),
    TableFile("spark.parquet", spark_folder, {}, COLUMNS, ROWS),
    TableFile(
        "hive",
        lambda path: spark_folder(path, "brand=acme", "brand=b%2Fc", "brand=__HIVE_DEFAULT_PARTITION__"),
        {},
        [*COLUMNS, "brand"],
        [[*row, brand] for row, brand in zip((ROWS[2], ROWS[0], ROWS[1]), (None, "acme", "b/c"), strict=True)],
    ),
]
TABLE_FILES = [*TEXT_FILES, *PARQUET_FILES]


def cells(table: pd.DataFrame) -> list[Row]:
    """Return the cells of a frame, with None for those that are missing."""
    return [[None if _is_missing(cell) else cell for cell in row] for row in table.astype(object).to_numpy().tolist()]


def _is_missing(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))
