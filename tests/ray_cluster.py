"""A Ray cluster of two nodes with one core each on this machine.

Prints its address, and takes a line for each order: `remove` takes the second node away without a
word to it. Ends with its standard input.
"""

import os
import sys

# Else Ray listens on the address that other machines see.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# A node that dies closes its connection and is missed at once; a busy machine must not look dead.
os.environ["RAY_health_check_timeout_ms"] = "60000"  # noqa: SIM112 - so Ray spells it
os.environ["RAY_health_check_failure_threshold"] = "5"  # noqa: SIM112

from ray.cluster_utils import Cluster  # the environment comes first

HERE = "127.0.0.1"


def main() -> None:
    """Start the cluster and obey."""
    settings = {"node_ip_address": HERE, "include_dashboard": False, "object_store_memory": 10**8}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **settings})
    second = cluster.add_node(num_cpus=1, **settings)
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "remove":
            cluster.remove_node(second, allow_graceful=False)
            print("removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
