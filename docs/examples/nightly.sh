#!/usr/bin/env bash
# Upload tonight's table: for cron and systemd, which start it with hardly any variables.
set -euo pipefail
cd /data/catalog
exec /opt/ikpipe/bin/ikpipe upload products.csv -o results.csv --root pictures --map file=picture \
    --path '/products/{sku}{file.ext}' --on-existing sync --run "products-$(date --utc +%F)" \
    --quiet --summary summary.json --log-file ikpipe.log
