#!/bin/sh
# Starts Debian's ZooKeeper in the foreground: zookeeper.sh PORT DIR
# It listens on 127.0.0.1 only, keeps its data in DIR, and begins with what is there. A
# file ensemble.cfg in DIR names the servers of its ensemble, and myid says which it is; the
# file maxbuffer says how many bytes of a request it takes.
set -eu
port=$1
dir=$2
cat >"$dir/zoo.cfg" <<CONFIG
clientPort=$port
clientPortAddress=127.0.0.1
dataDir=$dir
tickTime=2000
maxClientCnxns=0
admin.enableServer=false
initLimit=10
syncLimit=5
CONFIG
[ ! -e "$dir/ensemble.cfg" ] || cat "$dir/ensemble.cfg" >>"$dir/zoo.cfg"
maxbuffer=1048575
[ ! -e "$dir/maxbuffer" ] || maxbuffer=$(cat "$dir/maxbuffer")
# Only the machine could lose what is not synced, and no test takes that away.
exec java -Xmx256m -Dzookeeper.forceSync=no "-Djute.maxbuffer=$maxbuffer" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp /usr/share/java/slf4j-simple.jar:/usr/share/java/zookeeper.jar \
  org.apache.zookeeper.server.quorum.QuorumPeerMain "$dir/zoo.cfg"
