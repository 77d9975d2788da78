#!/bin/sh
# Fill in the edge's configuration for this network, check it, and become HAProxy.
set -eu
source=${HRX_EDGE_SOURCE:-/edge}
run=${HRX_EDGE_RUN:-/run/edge}
# The pages are read-only here; the lists of blocked sources and of closing are kept where this container may write.
touch "$run/blocked.acl" "$run/closed.acl"
# The operations plane is elsewhere; what it exports (HRX_STATUS_MIRROR_DIR) may be mounted at $run/status.
sed -e 's|@identity@|# Runs as the image says.|' -e "s|@socket@|$run/haproxy.sock|" -e "s|@pages@|$source/pages|" \
    -e "s|@blocked@|$run/blocked.acl|" -e "s|@closed@|$run/closed.acl|" -e "s|@lua@|$source/status.lua|" -e "s|@public@|$run/status|" \
    -e 's|@bind@:@port@|:8080|' -e 's|127.0.0.1:@stats_port@|127.0.0.1:8192|' \
    -e 's|127.0.0.1:@api_blue@|api:8101 resolvers docker init-addr none|' \
    -e 's|127.0.0.1:@web_blue@|web:8111 resolvers docker init-addr none|' \
    -e '/@api_green@/d' -e '/@web_green@/d' -e '/@status@/d' "$source/haproxy.cfg" > "$run/haproxy.cfg"
printf '\nresolvers docker\n    nameserver dns 127.0.0.11:53\n    hold valid 5s\n' >> "$run/haproxy.cfg"
haproxy -c -f "$run/haproxy.cfg"
exec haproxy -db -f "$run/haproxy.cfg"
