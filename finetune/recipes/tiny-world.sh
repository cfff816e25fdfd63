#!/usr/bin/env bash
# The whole chain on the small world, for one seed: hearing, reading, a start, GRPO, a round of the
# loop, scores. Tells what each stage took. What hears and reads is the same for all seeds and made
# once; the world's clips are made at the first run (some seven minutes).
#   bash finetune/recipes/tiny-world.sh [SEED] [FOLDER]
set -euo pipefail
seed=${1:-0} runs=${2:-runs/tiny}
world=$(dirname "$0")/tiny-world
export OMP_NUM_THREADS=1
mkdir -p "$runs"

stage() { # name, folder that is there once it is done, command
  local name=$1 made=$2
  shift 2
  [ -e "$made" ] && return
  echo "$name" >&2
  local TIMEFORMAT='  %R s by the clock, %U s of a processor'
  time "$@" > "$runs/$name.log" 2>&1 || { tail -n 20 "$runs/$name.log"; exit 1; }
}
train() { python -m finetune.cli "$@"; }

stage hearing "$runs/heard" \
  python -m finetune.hearing $world-sft.yaml --set model="$runs/base" --out "$runs/heard"
stage reading "$runs/read/checkpoint-500" \
  train sft $world-sft.yaml --set model="$runs/heard" --set out="$runs/read"
start=$runs/cold-$seed/checkpoint-200 grpo=$runs/grpo-$seed/checkpoint-96
stage start-$seed "$start" train sft $world-cold.yaml --set trainer.seed=$seed \
  --set model="$runs/read/checkpoint-500" --set out="$runs/cold-$seed"
stage grpo-$seed "$grpo" train grpo $world-grpo.yaml --set trainer.seed=$seed \
  --set model="$start" --set out="$runs/grpo-$seed"
stage loop-$seed "$runs/loop-$seed/rounds.md" train loop $world-loop.yaml \
  --set trainer.seed=$seed --set model="$grpo" --set out="$runs/loop-$seed"
for one in "$start" "$grpo" "$runs/loop-$seed"/round-1/sft/checkpoint-*; do
  [ -d "$one" ] || continue
  train score "$one" --recipe $world-grpo.yaml --out "$one.json"
done
