#!/bin/sh
# A Docker engine in network, mount and process namespaces of its own: its bridges, firewall rules and mounts are
# nobody else's, and they end with this process. 203.0.113.1 is "the world": a neighbour that serves a page on port 8080
# and knows no way back to any container that does not hide behind this machine's address.
set -eu
home=$1
python=$2
ip link set lo up
unshare --net sh -c "echo \$\$ >$home/world.pid; while ! ip link show world >/dev/null 2>&1; do sleep 0.05; done
    ip link set lo up; ip addr add 203.0.113.1/24 dev world; ip link set world up; touch $home/world.ready
    cd $home/world && exec $python -m http.server --bind 203.0.113.1 8080 >$home/world.log 2>&1" &
while [ ! -s "$home/world.pid" ]; do sleep 0.05; done
ip link add uplink type veth peer name world netns "$(cat "$home/world.pid")"
ip addr add 203.0.113.2/24 dev uplink
ip link set uplink up
ip route add default via 203.0.113.1
while [ ! -e "$home/world.ready" ]; do sleep 0.05; done
exec dockerd --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/docker.pid" \
    --host "unix://$home/docker.sock" --cgroup-parent "/$(basename "$home")" --log-level warn
