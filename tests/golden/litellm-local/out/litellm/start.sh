# Rendered by stackctl 0.1.0 from stack.yaml (sha256 97207a72c872).
# Do not edit: change stack.yaml and run `stackctl render`.
set -eu
LITELLM_MASTER_KEY=$(cat "../secrets/gateway-master-key")
export LITELLM_MASTER_KEY
# The price table of this release, not whatever stands on the internet at the time of the start.
export LITELLM_LOCAL_MODEL_COST_MAP=True
# Of this gateway alone, and empty: files of an earlier run would be added to the counters.
PROMETHEUS_MULTIPROC_DIR=$STACKCTL_STATE/gateway/metrics
rm -rf "$PROMETHEUS_MULTIPROC_DIR"
mkdir -p -m 700 "$PROMETHEUS_MULTIPROC_DIR"
export PROMETHEUS_MULTIPROC_DIR
exec "$STACKCTL_LITELLM_COMMAND" --config litellm/config.yaml --host 127.0.0.1 --port 4000 --num_workers 2 --telemetry False --timeout_worker_healthcheck 60
