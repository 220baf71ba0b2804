"""The examples and explanations that `--help` shows, at 80 columns."""

KEYS = """\
Keys come from a profile, which `ikpipe configure` writes, or the environment:
  IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY, IMAGEKIT_URL_ENDPOINT
They are in ImageKit's dashboard (Developer options, API keys). No option takes
a key, since other users of a machine can see the options of its processes."""

PROGRAM = f"""\
start here:
  ikpipe demo                          try it; no account is needed
  ikpipe configure                     store the keys of your account
  ikpipe check products.csv --map file=image_url
  ikpipe upload products.csv -o results.csv --map file=image_url
  ikpipe retry results.csv -o results.csv --map file=image_url
  ikpipe resume                        list interrupted runs
  ikpipe sync photos /photos           keep a folder in step

{KEYS}

exit status:
  0    success
  1    some rows are not uploaded, or have problems
  2    bad input or options
  3    account refused or missing, or service unreachable
  130  interrupted; OUT is complete, and `resume` continues

Type `ikpipe COMMAND --help` for the options of a command."""

MAPPING = """\
A row's values come from the first of these that is not empty:
  1. --map PARAMETER=COLUMN    a column of the table
  2. a column named like the parameter, or custom_metadata.FIELD
  3. --set PARAMETER=TEXT      the same for every row; {column} is replaced
  4. for file_name only: the name in the file's URL or path
A column whose name is almost that of a parameter (Tags, Is Private File) is an
error: map it, or use --ignore COLUMN.

Parameters: file (a URL, or a path with --root), file_name, folder, tags,
custom_metadata, use_unique_file_name, overwrite_file, is_private_file,
description, extensions, … `ikpipe docs mapping` lists all, with their limits.
Tags and custom_metadata take several columns; --map
custom_metadata.FIELD=COLUMN maps one field."""
