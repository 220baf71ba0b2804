"""The checks of `ikpipe doctor`. Each returns findings and raises nothing.

::

    installation.py  versions of Python and the dependencies, extras
    settings.py      where the account comes from, and its keys
    folders.py       the folders for configuration, journals and temporary files
    system.py        limits of the operating system, terminal

`service/network_check.py` and `service/account_check.py` check the network and the account.
"""
