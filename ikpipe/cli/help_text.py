"""The examples and explanations that `--help` shows, at 80 columns."""

KEYS = """\
Keys come from the environment or from a profile (--profile NAME):
  IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY, IMAGEKIT_URL_ENDPOINT
  (ImageKit dashboard, Developer options, API keys). No option takes a key,
  since other users of a machine can see the options of its processes."""

PROGRAM = f"""\
start here:
  ikpipe demo                          try it; no account is needed
  ikpipe check products.csv --map file=image_url
  ikpipe upload products.csv -o results.csv --map file=image_url
  ikpipe retry results.csv -o results.csv --map file=image_url
  ikpipe resume                        list interrupted runs
  ikpipe sync photos /photos           keep a folder in step

{KEYS}

exit status:
  0 success                            2 bad input or options
  1 some rows are not uploaded         3 account refused or missing, or
    or have problems                     service unreachable
                                       130 interrupted; OUT is complete,
                                           and `resume` continues

Type `ikpipe COMMAND --help` for the options of a command."""

_MAPPING = """\
A row's values come from the first of these that is not empty:
  1. --map PARAMETER=COLUMN    a column of the table
  2. a column named like the parameter, or custom_metadata.FIELD
  3. --set PARAMETER=TEXT      the same for every row; {column} is replaced
  4. for file_name only: the name in the file's URL or path
A column whose name is almost that of a parameter (Tags, Is Private File) is an
error: map it, or use --ignore COLUMN.

Parameters:
  file (a URL, or a path with --root), file_name, folder, tags,
  custom_metadata, use_unique_file_name, overwrite_file, is_private_file,
  description, extensions, … docs/mapping.md lists all of them with their
  limits. Tags and custom_metadata take several columns;
  --map custom_metadata.FIELD=COLUMN maps one field."""

UPLOAD = f"""\
examples:
  ikpipe upload products.csv -o results.csv --map file=image_url \\
      --map tags=category,season --map custom_metadata=brand,color \\
      --set 'file_name={{sku}}.jpg' --set 'folder=/products/{{season}}/'
  ikpipe upload photos.xlsx -o results.parquet --map file=path --root ./photos
  ikpipe upload products.csv -o results.csv --map file=image_url --emulator
  make-table | ikpipe upload - -o - --map file=url | next-step

{_MAPPING}

IN is .csv, .tsv, .jsonl, .json, .parquet or a workbook (.xlsx, .xlsm, .xls,
.ods), text also as .gz or .zst, or a folder of Parquet files; - is standard
input, by default CSV. CSV cells are read as text, so a SKU keeps its zeros, and
cells of a workbook as the sheet shows them. If the header has no comma, but
semicolons, tabs or vertical bars, these separate the cells. OUT is .csv, .xlsx,
.jsonl or .parquet; - is CSV on standard output. OUT has the columns of the
table and the result of each row in columns that begin with ik_. Rows that break
a rule get the status `invalid`; the other rows are uploaded.

{KEYS}

A journal records the run. If the process or the machine stops, `ikpipe resume`
finishes the run; the command to type is shown when the run starts. With
--journal FILE the same command again uploads only the remaining rows.

exit status: 0 all rows are uploaded, 1 some are not, 2 bad input or options,
3 account refused or service unreachable, 130 interrupted (Ctrl-C finishes the
uploads in flight and writes OUT; a second Ctrl-C stops at once)"""

CHECK = f"""\
examples:
  ikpipe check products.csv --map file=image_url --set 'file_name={{sku}}.jpg'
  ikpipe check products.csv --map file=image_url --probe -o problems.csv

{_MAPPING}

Nothing is uploaded. With an account (in the environment or --profile), custom
metadata is also checked against the account's fields.
PROBLEMS is .csv, .xlsx, .jsonl or .parquet; - is CSV on standard output. It has
the row, position, column, parameter, severity, code, message and fix of every
problem.

exit status: 0 no errors (warnings do not count), 1 errors, 2 bad input or
options"""

PLAN = f"""\
examples:
  ikpipe plan products.csv --map file=image_url --set 'file_name={{sku}}.jpg' \\
      --on-existing sync
  ikpipe plan products.csv --map file=image_url --on-existing skip -o plan.csv

{_MAPPING}

Nothing is sent or changed: the media library is read, files are hashed, and
with --changed-by content the hosts of URLs are asked about them.
PLAN is .csv, .xlsx, .jsonl or .parquet; - is CSV on standard output. It is IN
with ik_action (upload, replace, update, skip, unchanged, duplicate, error or
invalid), ik_target, ik_reason, ik_bytes, ik_file_id and ik_versions.

exit status: 0 nothing would fail, 1 some rows are invalid or would fail, 2 bad
input or options, 3 account refused or service unreachable"""

UPDATE = """\
examples:
  ikpipe update results.csv --set add_tags=summer --dry-run
  ikpipe update results.csv --map custom_metadata=brand,price -o changed.csv
  ikpipe update moves.csv --map folder=to --set 'file_name={sku}.jpg'
  ikpipe update files.csv --set unset=description,custom_metadata.brand

A row names its file by a column ik_file_id or fileId, else ik_file_path or
filePath: results of an upload, or what `ikpipe files` wrote. Or map a column:
--map file_path=COLUMN (or file_id). An empty cell leaves a detail as it is.

Parameters, by --map, --set, or columns of these names:
  tags (all of them), add_tags, remove_tags, custom_metadata, description,
  custom_coordinates, is_published, unset (details to remove)
Only by --map or --set: file_name and folder, which rename and move files; or
--path for both. No file is ever replaced.

Only what differs is sent; the same command again sends nothing. OUT is .csv,
.xlsx, .jsonl or .parquet; - is CSV on standard output. It is TABLE with
ik_change (planned, done, unchanged, absent, failed, cancelled or none) and
ik_change_message.

exit status: 0 all changed (or nothing to change), 1 some rows are not, 2 bad
input or options, 3 account refused or service unreachable, 130 interrupted
(the same command, or `resume`, continues)"""

SYNC = f"""\
examples:
  ikpipe sync photos /photos --exclude '.*' --exclude '.*/'
  ikpipe sync photos /photos --delete             what would be done
  ikpipe sync photos /photos --delete --yes
  ikpipe sync s3://bucket/photos /photos --include '*.{{jpg,png}}' -o results.csv
  ikpipe sync products.csv /products --map file=image_url \\
      --set 'file_name={{sku}}.jpg'

Only files that are new or differ are sent; files that were renamed or moved in
a local folder are renamed or moved in the library. Files that the library has
and SOURCE has not are left, unless --delete is given. Files are deleted last,
if all others were read and uploaded, and if they are as they were when the plan
was made. --map, --path, --root, --fetch, --file-kind and the options for
formats are for tables, as in `upload`; a folder's files keep their paths below
FOLDER, and --set can give all of them tags or other parameters.

PATTERN: * and ? match within a name, ** matches folders too, {{a,b}} is one of
several, [a-z] one of some characters. A pattern that starts with / begins at
SOURCE, one that ends with / is a folder. Patterns to include are first.

{KEYS}

exit status: as for upload; 1 also if files were not deleted although that was
asked for. A dry run: as for plan"""

RETRY = f"""\
examples:
  ikpipe retry results.parquet -o results.parquet
  ikpipe retry results.csv -o results.csv --map file=image_url \\
      --set 'file_name={{sku}}.jpg'

A Parquet file has the mapping of its run, except for --root, --fetch and a
webhook_url, which are never read from a file. For other files give --map
and --set again; `upload` ends with the complete command to type. Rows that are
uploaded, exists or accepted stay as they are. Rows whose status is unknown are
searched for in the library first. Fix the cells of the other rows in RESULTS
itself. RESULTS may be a part of what a run wrote. OUT may be RESULTS.

{_MAPPING}

exit status: as for upload"""

RESUME = f"""\
examples:
  ikpipe resume                        list interrupted runs
  ikpipe resume run.ikjournal -o results.csv

The journal has the table as far as it was read, and the result of each row, so
--map and --set are not needed; the keys are. If the table was not read to its
end, reading continues. A table from standard input has to be given again, to
`upload` with the same --journal. Uploads that were in flight when the run was
interrupted are searched for in the library before anything is sent again. Rows
with a result stay as they are, also if they failed: fix these in OUT, then run
`ikpipe retry`. Without other options the run continues with those of its start.
A journal without proof that this account wrote it (for example because its
private key was replaced, or an earlier ikpipe wrote it) is refused unless
--trust-journal is given.

{KEYS}

exit status: as for upload"""

UNDO = f"""\
examples:
  ikpipe undo run.ikjournal            show what would be done
  ikpipe undo run.ikjournal --yes
  ikpipe undo night-2026-11-30 -o undone.csv
  ikpipe undo results.csv

Files that the run created are deleted, replaced files get the version before,
and details that it changed get their earlier values. What somebody changed
since is left and reported. Only the journal has earlier details and proves
whose run it was; journals of finished runs are kept for 30 days. With results,
only files whose id, version, path and size match are touched: read the list
before you say --yes. Repeat the command after an interruption.

{KEYS}

exit status: 0 all undone or nothing to do, 1 some rows were left or failed,
2 bad input, 3 account refused, 130 interrupted"""

FILES = f"""\
examples:
  ikpipe files --path /products/ --limit 20
  ikpipe files --search 'tags IN ["sale"] AND createdAt > "7d"' -o sale.csv
  ikpipe files -o library.parquet

QUERY is written in ImageKit's query language. OUT is .csv, .xlsx, .jsonl or
.parquet; without it, CSV goes to standard output.

{KEYS}

exit status: 0 success, 2 bad options, 3 account refused"""

SIGN = f"""\
examples:
  ikpipe sign file_name=dress.jpg use_unique_file_name=false tags=summer,dress
  curl -F file=@dress.jpg -F fileName=dress.jpg \\
      -F token=$(ikpipe sign fileName=dress.jpg) \\
      https://upload.imagekit.io/api/v2/files/upload

The request must have exactly the parameters and values of the token. A token is
valid for one request, even if that request fails. Names are accepted in both
spellings (file_name, fileName).

{KEYS}

exit status: 0 success, 2 bad parameters, 3 no private key"""

EMULATOR = """\
examples:
  ikpipe emulator --directory ./library
  ikpipe emulator --port 8765 --set index_lag=30 --set used_token=used-before
  ikpipe emulator --fault store-then-cut=0.1 --fault 429=0.05 --seed 7
  ikpipe emulator --fault 5xx=0.1 --spends 5xx=received
  ikpipe emulator --set latency=0.2 --set capacity=8
  ikpipe emulator > account.sh &       then, when it is ready: . ./account.sh

It prints its address and lines to export, then serves until Ctrl-C or SIGTERM.
In a shell with those lines every ikpipe command uses it. RULE is an assumption
about the service or a state of the account, KIND is a kind of fault, and MOMENT
is when an upload with that fault uses up its token; docs/emulator.md lists all
of them.

exit status: 0 success, 2 bad options or a port in use"""

AUTH_SERVER = f"""\
examples:
  ikpipe auth-server --callers callers.txt --may file_name,tags \\
      --folder '/users/{{caller}}/' --origin https://shop.example
  ikpipe auth-server --anybody --may file_name --folder / --rate 10 \\
      --origin http://localhost:8000 --headers X-CSRF-Token --port 8780
  ikpipe auth-server --allow shop.policy:uploads

It is an `authenticationEndpoint` as in ImageKit's upload documentation: it
answers a POST of uploadPayload, expire and publicKey with a token. What no
option allows is refused: without --may no parameter can be set, and without
--folder no folder is allowed (a request without a folder is for /). If ikpipe
uploads with it, --may needs use_unique_file_name and overwrite_file, too, and
--rate limits the files per minute, since each one needs a request. A
caller sends its token as `Authorization: Bearer TOKEN`. Pages of other origins
than --origin cannot use it, and a page may send no headers but Content-Type,
Authorization and those of --headers; other clients may send any. Each signed
request is logged to standard error, without the token. Use a proxy in front of
it for TLS. The client's account: Account(authentication_endpoint=…, headers=…).

{KEYS}

exit status: 0 success, 2 bad options or a port in use, 3 no private key"""

DEMO = """\
Uploads a small catalog of pictures to a local emulator, including rows with
mistakes. The folder then has results.csv, and results.html for a browser.

examples:
  ikpipe demo
  ikpipe demo -o /tmp/demo"""
