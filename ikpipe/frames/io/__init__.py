"""Tables in files: input tables of many formats, and results.

::

    options.py        how a table is read, as far as the user says it
    reading.py        read a whole table of any format
    streams.py        read CSV, JSON and Parquet chunk by chunk
    opening.py        open a file by its path; pipes; errors of files that cannot be read
    content.py        what a file is by its first bytes; compressed files
    decoding.py       byte-order marks, encodings and lines of text files
    csv_dialect.py    the header of CSV, and the delimiter that it shows
    csv_records.py    the records of CSV
    json_records.py   the records of JSON lines and arrays
    parquet.py        Parquet, with everything that a frame has
    parquet_folder.py a folder of Parquet files as one table

    excel.py          read a workbook of any kind, with the next seven
    sheets.py         choose a sheet, and return it as a frame
    grid.py           the cells of a sheet
    ooxml.py          .xlsx and .xlsm
    opendocument.py   .ods
    biff.py           .xls
    archives.py       the XML files of an archive, with bounds
    number_formats.py numbers and dates as a sheet shows them

    results.py        write results to a file, and read them back
    writing.py        write results chunk by chunk; the file appears when it is complete
    results_text.py   results as CSV and JSON lines
    csv_style.py      how CSV is written: for programs, spreadsheets, Excel
    formula_guard.py  escape cells that a spreadsheet would run as formulas
    excel_writing.py  write results as a workbook
"""
