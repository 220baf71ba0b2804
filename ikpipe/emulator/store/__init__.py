"""The account's data: SQLite for the details, the file system for the bytes.

| module | contents |
|---|---|
| `account_store` | `Store`: the folder of the account, and a part for each subject |
| `database` | the connection and its transactions |
| `identifiers` | ids and times as the service writes them |
| `files` | files, their details, versions and bytes |
| `folders` | the folders, also those without files |
| `fields` | custom metadata fields |
| `jobs` | operations on folders that take a while |
| `selection` | finds files by what the database has an index of |
| `settings` | settings that the API changes |
| `tokens` | tokens that were used |

A further subject is a module with a class that has a `SCHEMA` and takes a `Database`, and two lines in `account_store`.
"""

from ikpipe.emulator.store.account_store import Store
from ikpipe.emulator.store.files import Details
from ikpipe.emulator.store.identifiers import new_id, timestamp
from ikpipe.emulator.store.jobs import Job

__all__ = ["Details", "Job", "Store", "new_id", "timestamp"]
