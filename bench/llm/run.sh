#!/bin/sh
# Endpoints of language models side by side: direct, Resync, Portkey (npm) and
# LiteLLM (PyPI), in rounds, so that ratios are of the same moment.
#
#   bench/llm/run.sh [ROUNDS]      results: one JSON line per measurement in $OUT
#
# Needs go, node with npm and, for LiteLLM, python3 with venv. SKIP="litellm"
# leaves systems out. Everything listens on loopback.
set -eu
rounds=${1:-3}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${WORK:-/tmp/resync-bench-llm}
out=${OUT:-$work/results.jsonl}
skip=${SKIP:-}
d=${SECONDS_EACH:-3s}
mkdir -p "$work"
: > "$out"
pids=""
stop() { for p in $pids; do kill "$p" 2>/dev/null || true; done; }
trap stop EXIT INT TERM

wants() { case " $skip " in *" $1 "*) return 1 ;; esac; }
ready() { # URL [HEADER]
	for _ in $(seq 1 240); do
		if curl -s -o /dev/null -m 2 ${2:+-H "$2"} "$1"; then return 0; fi
		sleep 0.25
	done
	echo "no answer from $1" >&2
	exit 1
}

cd "$root"
nice go build -trimpath -o "$work/llm" ./bench/llm
[ -n "${RESYNC:-}" ] || { nice go build -trimpath -o "$work/resync" ./cmd/resync; RESYNC=$work/resync; }

"$work/llm" mock -addr 127.0.0.1:19001 & pids="$pids $!"
"$work/llm" mock -addr 127.0.0.1:19002 -delay 50ms & pids="$pids $!"
"$work/llm" mock -addr 127.0.0.1:19003 -delay 20ms -chunks 50 -gap 2ms & pids="$pids $!"

# Resync as it is served: engine, store, console, metrics and limits in one process.
rm -f "$work/sim.log" # of an earlier run, with another password
"$RESYNC" sim --addr 127.0.0.1:19311 --jobs 300 > "$work/sim.log" 2>&1 & pids="$pids $!"
pw=$(sed -n 's/^User .*, password \(.*\)$/\1/p' "$work/sim.log" || true)
for _ in $(seq 1 40); do [ -n "$pw" ] && break; sleep 0.25; pw=$(sed -n 's/^User .*, password \(.*\)$/\1/p' "$work/sim.log"); done
user=$(sed -n 's/^User \(.*\), password .*$/\1/p' "$work/sim.log")
rm -rf "$work/data"
cat > "$work/resync.yaml" <<YAML
server: {addr: "127.0.0.1:19300"}
data_dir: $work/data
engines:
  sim: {urls: ["http://127.0.0.1:19311"], username: "$user", password: env:SIM_PW, environment: development}
limits: {llm_per_minute: 0}
llm:
  targets:
    now: {provider: openai, model: gpt-4o, base_url: "http://127.0.0.1:19001/v1", keys: env:MOCK_KEY}
    soon: {provider: openai, model: gpt-4o-soon, base_url: "http://127.0.0.1:19002/v1", keys: env:MOCK_KEY}
    stream: {provider: openai, model: gpt-4o-stream, base_url: "http://127.0.0.1:19003/v1", keys: env:MOCK_KEY}
YAML
export SIM_PW="$pw" MOCK_KEY=mock-key-1 ADMIN_USERNAME=bench ADMIN_PASSWORD='violet teapot under rain'
"$RESYNC" serve --config "$work/resync.yaml" > "$work/resync.log" 2>&1 & ours=$!; pids="$pids $ours"
ready http://127.0.0.1:19300/livez
token=$("$RESYNC" token create --config "$work/resync.yaml" --scope llm --user bench 2>/dev/null)

portkey=""
if wants portkey; then
	[ -d "$work/node_modules/@portkey-ai/gateway" ] || (cd "$work" && npm install --ignore-scripts --no-audit --no-fund @portkey-ai/gateway@1.15.2 > npm.log 2>&1)
	(cd "$work/node_modules/@portkey-ai/gateway" && exec env NODE_ENV=production node --require "$root/bench/llm/loop.cjs" build/start-server.js --port=19200 --headless) > "$work/portkey.log" 2>&1 & portkey=$!; pids="$pids $portkey"
	ready http://127.0.0.1:19200/
fi

litellm=""
if wants litellm; then
	if [ ! -x "$work/venv/bin/litellm" ]; then # 1.107.0 is reported compromised: the pin is exact
		python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q 'litellm[proxy]==1.91.1' > "$work/pip.log" 2>&1 || { echo "litellm cannot be installed; see $work/pip.log" >&2; skip="$skip litellm"; }
	fi
fi
if wants litellm; then
	cat > "$work/litellm.yaml" <<YAML
model_list:
  - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o, api_base: "http://127.0.0.1:19001/v1", api_key: os.environ/MOCK_KEY}}
  - {model_name: gpt-4o-soon, litellm_params: {model: openai/gpt-4o, api_base: "http://127.0.0.1:19002/v1", api_key: os.environ/MOCK_KEY}}
  - {model_name: gpt-4o-stream, litellm_params: {model: openai/gpt-4o, api_base: "http://127.0.0.1:19003/v1", api_key: os.environ/MOCK_KEY}}
YAML
	LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=ERROR "$work/venv/bin/litellm" --config "$work/litellm.yaml" --host 127.0.0.1 --port 19400 > "$work/litellm.log" 2>&1 & litellm=$!; pids="$pids $litellm"
	ready http://127.0.0.1:19400/health/liveliness
fi

# one SYSTEM C KIND: KIND is now (0 ms), soon (50 ms) or stream
one() {
	sys=$1 c=$2 kind=$3 extra=""
	case $kind in now) port=19001 ;; soon) port=19002 ;; stream) port=19003 extra=-stream ;; esac
	case $sys in
	direct) "$work/llm" load -label "direct $kind" -c "$c" -d "$d" $extra -url "http://127.0.0.1:$port/v1/chat/completions" ;;
	ours) "$work/llm" load -label "ours $kind" -c "$c" -d "$d" $extra -pid "$ours" -model "$kind" -H "Authorization:Bearer+$token" -url http://127.0.0.1:19300/llm/v1/chat/completions ;;
	portkey) "$work/llm" load -label "portkey $kind" -c "$c" -d "$d" $extra -pid "$portkey" -H x-portkey-provider:openai -H authorization:Bearer+x -H "x-portkey-custom-host:http://127.0.0.1:$port/v1" -url http://127.0.0.1:19200/v1/chat/completions ;;
	litellm)
		name=gpt-4o
		[ "$kind" = now ] || name=gpt-4o-$kind
		"$work/llm" load -label "litellm $kind" -c "$c" -d "$d" $extra -pid "$litellm" -model "$name" -url http://127.0.0.1:19400/v1/chat/completions ;;
	esac | tee -a "$out"
}

for round in $(seq 1 "$rounds"); do
	echo "round $round" >&2
	for cell in "1 now" "64 now" "64 soon" "64 stream"; do
		for sys in direct ours portkey litellm; do
			if [ "$sys" = direct ] || [ "$sys" = ours ] || wants "$sys"; then one "$sys" $cell; fi
		done
	done
done
