"""The API of the account's settings, and its usage.

| module | contents |
|---|---|
| `collection` | lists, creates, shows, changes and deletes the settings of one kind |
| `properties` | reads a setting from the JSON of a request |
| `origins` | external storages |
| `url_endpoints` | URL-endpoints |
| `account_webhooks` | webhooks for the account's events |
| `saved_extensions` | saved extensions, and the uploads that use them |
| `named_transformations` | named transformations |
| `usage` | the account's usage between two dates |
| `usage_analytics` | statistics of deliveries between two dates |
"""
