# Rendered by stackctl 0.1.0 from stack.yaml (sha256 ab7ba9091388).
# Do not edit: change stack.yaml and run `stackctl render`.
set -eu
LITELLM_MASTER_KEY=$(cat "/run/secrets/gateway-master-key")
export LITELLM_MASTER_KEY
DATABASE_URL=$(cat "/run/secrets/database-url")
export DATABASE_URL
REDIS_PASSWORD=$(cat "/run/secrets/redis-password")
export REDIS_PASSWORD
OPENAI_API_KEY=$(cat "/run/secrets/OPENAI_API_KEY")
export OPENAI_API_KEY
AZURE_KEY=$(cat "/run/secrets/azure-key")
export AZURE_KEY
# The price table of this release, not whatever stands on the internet at the time of the start.
export LITELLM_LOCAL_MODEL_COST_MAP=True
exec litellm --config /etc/stack/config.yaml --host 0.0.0.0 --port 4000 --num_workers 4 --telemetry False --timeout_worker_healthcheck 60
