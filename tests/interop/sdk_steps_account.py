"""What today's SDKs do with an account: purges, usage, origins, URL endpoints, what is saved for later, webhooks."""

from __future__ import annotations

from numbers import Real

from sdk_steps import ID, NOBODY, TEXT, TIME, call, ref

DATES = {"startDate": "2026-01-01", "endDate": "2026-02-01"}

PURGES = (
    call("cache.invalidation.create", {"url": ref("two.url")}, shows={"requestId": ID}, save="purge"),
    call("cache.invalidation.get", ref("purge.requestId"), shows={"status": "Completed"}, until=True),
    call("cache.invalidation.get", NOBODY, status=400, shows={"message": "No request found for this requestId."}),
)
ACCOUNT = (
    call("accounts.usage.get", DATES, shows={"bandwidthBytes": Real, "mediaLibraryStorageBytes": Real}),
    call(
        "accounts.usage.get", {"startDate": "2026-02-01", "endDate": "2026-01-01"}, status=400, shows={"message": TEXT}
    ),
    call("accounts.usageAnalytics.get", DATES, shows={"requestCount": Real, "cache": {"hitCount": Real}}),
    call(
        "accounts.origins.create",
        {"name": "shop", "type": "WEB_FOLDER", "baseUrl": "https://shop.example/images"},
        shows={"id": ID, "name": "shop", "type": "WEB_FOLDER", "baseUrl": "https://shop.example/images"},
        save="origin",
    ),
    call(
        "accounts.origins.create",
        {"name": "s3", "type": "S3", "bucket": "b", "accessKey": "a", "secretKey": "s"},
        shows={"id": ID, "bucket": "b", "prefix": str, "includeCanonicalHeader": False},
        save="bucket",
    ),
    call("accounts.origins.list", shows=[{"name": "shop"}, {"name": "s3"}]),
    call("accounts.origins.get", ref("origin.id"), shows={"name": "shop"}),
    call("accounts.origins.get", "no", status=404, shows={"message": TEXT}),
    call(
        "accounts.origins.update",
        ref("origin.id"),
        {"name": "store", "type": "WEB_FOLDER", "baseUrl": "https://shop.example/images"},
        shows={"name": "store"},
    ),
    call(
        "accounts.urlEndpoints.create",
        {"description": "shop", "urlPrefix": "shop", "origins": [ref("origin.id")], "urlRewriter": {"type": "IMGIX"}},
        shows={"id": ID, "urlPrefix": "shop", "origins": [ID], "urlRewriter": {"type": "IMGIX"}},
        save="endpoint",
    ),
    call("accounts.urlEndpoints.list", shows=[{"id": "default"}, {"urlPrefix": "shop"}]),
    call("accounts.urlEndpoints.get", ref("endpoint.id"), shows={"description": "shop"}),
    call(
        "accounts.urlEndpoints.update",
        ref("endpoint.id"),
        {"description": "store", "urlPrefix": "shop", "origins": []},
        shows={"description": "store", "origins": []},
    ),
    call("accounts.urlEndpoints.delete", ref("endpoint.id")),
    call("accounts.urlEndpoints.get", ref("endpoint.id"), status=404, shows={"message": TEXT}),
    call("accounts.origins.delete", ref("bucket.id")),
    call("accounts.origins.delete", ref("origin.id")),
    call("accounts.origins.get", ref("origin.id"), status=404),
)
SAVED = (
    call(
        "savedExtensions.create",
        {"name": "cut out", "description": "for the shop", "config": {"name": "remove-bg"}},
        shows={"id": ID, "name": "cut out", "config": {"name": "remove-bg"}, "createdAt": TIME},
        save="extension",
    ),
    call("savedExtensions.list", shows=[{"name": "cut out"}]),
    call("savedExtensions.get", ref("extension.id"), shows={"description": "for the shop"}),
    call("savedExtensions.update", ref("extension.id"), {"name": "cut"}, shows={"name": "cut", "updatedAt": TIME}),
    call("savedExtensions.delete", ref("extension.id")),
    call("savedExtensions.get", ref("extension.id"), status=404, shows={"message": TEXT}),
    call(
        "namedTransformations.create",
        {"name": "small", "transformation": "w-2"},
        shows={"id": ID, "name": "small", "transformation": "w-2", "enabled": True, "createdAt": TIME},
        save="named",
    ),
    call("namedTransformations.list", shows=[{"name": "small", "transformation": "w-2"}]),
    call("namedTransformations.get", ref("named.id"), shows={"name": "small"}),
    call("namedTransformations.update", ref("named.id"), {"enabled": False}, shows={"enabled": False}),
    call("namedTransformations.delete", ref("named.id")),
    call("namedTransformations.get", ref("named.id"), status=404, shows={"message": TEXT}),
    call(
        "accounts.webhooks.create",
        {"endpoint": "https://shop.example/hook", "events": ["file.created"]},
        shows={"id": ID, "endpoint": "https://shop.example/hook", "enabled": True, "secret": ID, "createdAt": TIME},
        save="hook",
        only="imagekitio 5",
    ),
    call("accounts.webhooks.list", shows=[{"events": ["file.created"]}], only="imagekitio 5"),
    call("accounts.webhooks.get", ref("hook.id"), shows={"events": ["file.created"]}, only="imagekitio 5"),
    call(
        "accounts.webhooks.update",
        ref("hook.id"),
        {"events": ["file.deleted"], "enabled": False},
        shows={"events": ["file.deleted"], "enabled": False, "updatedAt": TIME},
        only="imagekitio 5",
    ),
    call("accounts.webhooks.delete", ref("hook.id"), only="imagekitio 5"),
    call("accounts.webhooks.get", ref("hook.id"), status=404, shows={"message": TEXT}, only="imagekitio 5"),
)
STEPS = (*PURGES, *ACCOUNT, *SAVED)
