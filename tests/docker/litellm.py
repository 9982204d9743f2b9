"""What `litellm` is in the stand-in image: the real proxy, without the one thing that no package here has.

LiteLLM reaches its database through Prisma's engines, which come from binaries.prisma.sh only. The database settings
are therefore taken out before the proxy starts; everything else is as the stack says.
"""

import os
import sys
from pathlib import Path

import yaml
from litellm import run_server

if __name__ == "__main__":  # its workers import this file again
    place = sys.argv.index("--config") + 1
    config = yaml.safe_load(Path(sys.argv[place]).read_text())
    assert os.environ.pop("DATABASE_URL").startswith("postgresql://llm:")
    for name in ("database_url", "database_connection_pool_limit", "database_connection_timeout", "store_model_in_db"):
        del config["general_settings"][name]
    changed = Path("/tmp/config.yaml")
    changed.write_text(yaml.safe_dump(config))
    sys.argv[place] = str(changed)
    sys.exit(run_server())
