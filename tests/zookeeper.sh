#!/bin/sh
# Starts Debian's ZooKeeper in the foreground: zookeeper.sh PORT DIR
# It listens on 127.0.0.1 only, stores its data in DIR, and starts with the data there. In DIR, a
# file ensemble.cfg names the servers of its ensemble, myid selects its own entry, and maxbuffer
# limits the size of a request in bytes.
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
# Unsynced data is lost only if the machine fails, which no test simulates.
exec java -Xmx256m -Dzookeeper.forceSync=no "-Djute.maxbuffer=$maxbuffer" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp /usr/share/java/slf4j-simple.jar:/usr/share/java/zookeeper.jar \
  org.apache.zookeeper.server.quorum.QuorumPeerMain "$dir/zoo.cfg"
