"""What `--help` teaches, at 80 columns: one purpose a command, examples, where values come from, exit statuses."""

KEYS = """\
keys come from the environment, or from a profile (--profile NAME):
  IMAGEKIT_PUBLIC_KEY, IMAGEKIT_PRIVATE_KEY, IMAGEKIT_URL_ENDPOINT
  (dashboard, Developer options, API keys). No option takes a key, since other
  users of a machine can see the options of its programs."""

PROGRAM = f"""\
begin here:
  ikpipe demo                          see it at work; no account is needed
  ikpipe check products.csv --map file=image_url
  ikpipe upload products.csv -o results.csv --map file=image_url
  ikpipe retry results.csv -o results.csv --map file=image_url
  ikpipe resume                        runs that were cut off

{KEYS}

exit status:
  0 all is well                        2 bad input or options
  1 some rows are not up,              3 the account was refused, or there is
    or have problems                     none
                                       130 interrupted; OUT is complete,
                                           and `resume` goes on

`ikpipe COMMAND --help` tells more."""

_MAPPING = """\
where a row's values come from, the first that is not empty:
  1. --map PARAMETER=COLUMN    a column of the table
  2. a column that is named like the parameter, or custom_metadata.FIELD
  3. --set PARAMETER=TEXT      the same for every row; {column} is filled in
  4. for file_name alone: the file's own name

parameters:
  file (a URL; or a path, with --root), file_name, folder, tags,
  custom_metadata, use_unique_file_name, overwrite_file, is_private_file,
  description, extensions, … : all of them, with their limits, in
  docs/mapping.md. Tags and custom_metadata take several columns, and
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

IN is .csv, .tsv, .jsonl, .parquet or .xlsx, and - is CSV on standard input.
Cells of CSV are text: a SKU keeps its zeros. OUT is .csv, .jsonl or .parquet,
and - is CSV on standard output: the table, and beside each row what became of
it, in columns that begin with ik_. Rows that break a rule become `invalid`, and
do not stop the others.

{KEYS}

What is done is kept in a journal, so that a run whose process or machine died
is finished by `ikpipe resume`: the run begins with the line to type. With
--journal FILE the same command again does only what is left.

exit status: 0 all rows are up, 1 some are not, 2 bad input or options,
3 the account was refused, 130 interrupted (Ctrl-C ends what is being sent, and
writes OUT; a second Ctrl-C stops at once)"""

CHECK = f"""\
examples:
  ikpipe check products.csv --map file=image_url --set 'file_name={{sku}}.jpg'
  ikpipe check products.csv --map file=image_url --probe -o problems.csv

{_MAPPING}

Nothing is sent. With an account (in the environment, or --profile) custom
metadata is also compared with the account's fields.
PROBLEMS is .csv, .jsonl or .parquet, and - is CSV on standard output: row,
position, column, parameter, code, message and fix of every problem.

exit status: 0 no problems, 1 problems, 2 bad input or options"""

RETRY = f"""\
examples:
  ikpipe retry results.parquet -o results.parquet
  ikpipe retry results.csv -o results.csv --map file=image_url \\
      --set 'file_name={{sku}}.jpg'

A Parquet file keeps the mapping of its run, but for --root, --fetch and a
webhook_url, which no file can say; for .csv and .jsonl give --map and --set
again too: `upload` ends with the whole line to type. Rows that are
uploaded, exists or accepted stay as they are. Rows that are unknown are looked
for in the library before anything is sent. Mend the cells of the others in
RESULTS itself, which may be a part of what a run wrote. OUT may be RESULTS.

{_MAPPING}

exit status: as for upload"""

RESUME = f"""\
examples:
  ikpipe resume                        which runs were cut off
  ikpipe resume run.ikjournal -o results.csv

The journal has the table as far as it was read, and what became of each row:
--map and --set are not needed, the keys are. A table that was not read to its
end is read on; one that came from standard input has to be given again, to
`upload` with the same --journal. What may have left when the run
was cut off is looked for before anything fresh is sent. Rows that have ended
stay as they are, those that failed too: mend these in OUT, then `ikpipe retry`.
Without other options the run goes on as it was begun. A journal that does not
prove that this account wrote it (its private key was replaced, say, or an
earlier ikpipe wrote it) is refused unless --trust-journal says that it is
yours.

{KEYS}

exit status: as for upload"""

FILES = f"""\
examples:
  ikpipe files --path /products/ --limit 20
  ikpipe files --search 'tags IN ["sale"] AND createdAt > "7d"' -o sale.csv
  ikpipe files -o library.parquet

QUERY is the service's own query language. OUT is .csv, .jsonl or .parquet;
without it CSV goes to standard output.

{KEYS}

exit status: 0, 2 bad options, 3 the account was refused"""

SIGN = f"""\
examples:
  ikpipe sign file_name=dress.jpg use_unique_file_name=false tags=summer,dress
  curl -F file=@dress.jpg -F fileName=dress.jpg \\
      -F token=$(ikpipe sign fileName=dress.jpg) \\
      https://upload.imagekit.io/api/v2/files/upload

The request must have the very same parameters and values as the token, and a
token is good for one request, also if that fails. Names may be spelt either way
(file_name, fileName).

{KEYS}

exit status: 0, 2 bad parameters, 3 no private key"""

EMULATOR = """\
examples:
  ikpipe emulator --directory ./library
  ikpipe emulator --port 8765 --set index_lag=30 --set used_token=used-before
  ikpipe emulator --fault store-then-cut=0.1 --fault 429=0.05 --seed 7
  ikpipe emulator --fault 5xx=0.1 --spends 5xx=received
  ikpipe emulator --set latency=0.2 --set capacity=8
  ikpipe emulator > account.sh &       then, when it is ready: . ./account.sh

It prints its address and the lines to export, then serves until Ctrl-C or
SIGTERM. With those lines every ikpipe command of that shell talks to it.
RULE is a guess about the service, or a state that an account can be in; KIND is
a way in which things go wrong, and MOMENT is when an upload that it struck has
used its token up: the lists are in docs/emulator.md.

exit status: 0, 2 bad options or a port that is taken"""

AUTH_SERVER = f"""\
examples:
  ikpipe auth-server --callers callers.txt --may file_name,tags \\
      --folder '/users/{{caller}}/' --origin https://shop.example
  ikpipe auth-server --anybody --may file_name --folder / --rate 10 \\
      --origin http://localhost:8000 --port 8780
  ikpipe auth-server --allow shop.policy:uploads

It answers what the seed's `authenticationEndpoint` is asked: POST of
uploadPayload, expire and publicKey, with a token. What no option allows is
refused: without --may no parameter can be set, without --folder no folder is
good (a request that names none is for /). A caller shows its token as
`Authorization: Bearer TOKEN`. Pages of other origins than --origin may not ask.
Who signed what goes to standard error, without the token. TLS is for a proxy in
front of it. For the client: Account(authentication_endpoint=…, headers=…).

{KEYS}

exit status: 0, 2 bad options or a port that is taken, 3 no private key"""

DEMO = """\
A small catalogue of pictures goes up to a local emulator, awkward rows and all.
The folder then has results.csv, and results.html to look at in a browser.

examples:
  ikpipe demo
  ikpipe demo -o /tmp/demo"""
