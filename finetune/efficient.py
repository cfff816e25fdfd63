"""Data-efficient GRPO on TRL's trainer: its sampler and a callback around `finetune.sampling`.

Knows where TRL's GRPO draws samples, gives rewards and scores rollouts; changes nothing else of
it. What the callback keeps stands in the trainer's own state file, so a checkpoint resumes with
the samples that would have come.

    trainer = EfficientGRPOTrainer(model, ..., sampling=Settings())
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import torch
from accelerate.utils import gather_object
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState
from trl import GRPOTrainer

from finetune.sampling import Ledger, Settings

_ID: Final = "id"
"""Column that names a sample; unique."""


class GroupSampler(torch.utils.data.Sampler[int]):  # type: ignore[misc]  # torch has no types here
    """Numbers of samples as TRL's `RepeatSampler` gives them, drawn from a ledger.

    An epoch of the trainer has as many batches as without it, whatever the ledger leaves out.
    """

    def __init__(self, ledger: Ledger, prompts: int, group: int, repeats: int) -> None:
        """`prompts` in a generation batch, each `group` times, the whole `repeats` times."""
        self.ledger, self.prompts, self.group, self.repeats = ledger, prompts, group, repeats
        self.batches = ledger.count // prompts
        if not self.batches:
            raise ValueError(
                f"{ledger.count} samples make no batch of {prompts} prompts: give more, or lower "
                "generation_batch_size"
            )
        self.drawn: list[list[int]] = []
        """Generation batches of this epoch, in order; some lie ahead of what was trained on."""
        self._again: list[list[int]] = []

    def __len__(self) -> int:
        return self.batches * self.prompts * self.group * self.repeats

    def __iter__(self) -> Iterator[int]:
        again, self._again = self._again, []
        self.drawn = list(again)
        for n in range(self.batches):
            if n == len(self.drawn):
                self.drawn.append(self.ledger.draw(self.prompts))
            chosen = self.drawn[n]
            for _ in range(self.repeats):
                for sample in chosen:
                    yield from [sample] * self.group

    def resume(self, ledger: Ledger, drawn: list[list[int]]) -> None:
        """Go on from there: the trainer passes over what it was trained on in this epoch."""
        if ledger.count != self.ledger.count:
            raise ValueError(
                f"the checkpoint's sampler has {ledger.count} samples, the data set "
                f"{self.ledger.count}: resume with the same data"
            )
        self.ledger, self._again = ledger, [list(batch) for batch in drawn]


class KeepsUtility(TrainerCallback, ExportableState):  # type: ignore[misc]  # no types here
    """Gives each step's groups to the ledger, and keeps it in the trainer's state."""

    def __init__(self) -> None:
        self.trainer: EfficientGRPOTrainer | None = None

    def state(self) -> dict[str, Any]:
        """As the trainer writes it into trainer_state.json."""
        assert self.trainer is not None
        sampler = self.trainer.sampler
        kept = {"ledger": sampler.ledger.state(), "drawn": sampler.drawn}
        return {"args": {}, "attributes": {"kept": kept}}

    def on_train_begin(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        """Take up the state of the checkpoint that is resumed from."""
        assert self.trainer is not None
        mine = state.stateful_callbacks.get(type(self).__name__)
        mine = mine[-1] if isinstance(mine, list) else mine
        kept = (mine or {}).get("attributes", {}).get("kept")
        if not state.global_step or kept is None:
            return
        sampler = self.trainer.sampler
        batches = sampler.batches * sampler.repeats
        steps = -(-batches // args.gradient_accumulation_steps)
        done = state.global_step % steps * args.gradient_accumulation_steps
        ahead = kept["drawn"] if done else []
        if args.ignore_data_skip:
            ahead = ahead[done // sampler.repeats :]
        sampler.resume(Ledger.restored(kept["ledger"]), ahead)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Judge the samples whose groups are complete."""
        assert self.trainer is not None
        self.trainer.settle()


class EfficientGRPOTrainer(GRPOTrainer):  # type: ignore[misc]  # trl has no types here
    """TRL's trainer with the sampler of `finetune.sampling`; rows need a unique "id"."""

    def __init__(self, *args: Any, sampling: Settings | None = None, **kwargs: Any) -> None:
        """As TRL's. Raises ValueError for data without ids, streamed data, too little data."""
        super().__init__(*args, **kwargs)
        data = self.train_dataset
        if not hasattr(data, "__len__") or _ID not in (data.column_names or ()):
            raise ValueError(f"the efficient sampler needs data of known length with an {_ID!r}")
        names = list(data[_ID])
        self._numbers = {name: number for number, name in enumerate(names)}
        if len(self._numbers) < len(names):
            raise ValueError(f"{len(names) - len(self._numbers)} rows share their {_ID!r}")
        self.sampler = GroupSampler(
            Ledger(len(names), sampling, self.args.seed),
            self.args.generation_batch_size // self.num_generations,
            self.num_generations,
            self.num_iterations * self.args.steps_per_generation,
        )
        keeper = KeepsUtility()
        keeper.trainer = self
        self.add_callback(keeper)
        self._rows: list[Any] = []
        """Sample, reward and score of rollouts trained on since the last step, rows × 3."""
        self._open: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._rewards: Any = None
        self._logps: Any = None

    @property
    def ledger(self) -> Ledger:
        """What is known of the samples."""
        return self.sampler.ledger

    def _get_train_sampler(self, dataset: Any = None) -> Any:  # noqa: ARG002 - the trainer's
        return self.sampler

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Any:
        told = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        weighed = told * self.reward_weights.to(told.device)
        self._rewards = weighed.nansum(1).masked_fill(weighed.isnan().all(1), float("nan"))
        if self.model.training:
            for phase, share in self.ledger.shares().items():
                self._log_metric(f"sampling/{phase}", share)
        return told

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self.model.training:
            self._open.clear()
            samples = [self._numbers[row[_ID]] for row in inputs]
            first = self.accelerator.process_index * len(samples)
            like = out["advantages"]
            weights = [self.ledger.weight(sample) for sample in samples]
            out["advantages"] = like * torch.tensor(weights, device=like.device, dtype=like.dtype)
            out["sample"] = torch.tensor(samples, device=like.device)
            out["reward"] = self._rewards[first : first + len(samples)]
        return out

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._logps = found[0]
        return found

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        self._logps = None
        loss = super()._compute_loss(model, inputs)
        # A batch that is trained on again was judged the first time.
        again = self._step // self.args.steps_per_generation % self.num_iterations
        if "sample" in inputs and not again:
            score = torch.full_like(inputs["reward"], float("nan"))
            if self._logps is not None:
                mask = inputs["completion_mask"]
                logps = self._logps.detach().float()
                score = (logps * mask).sum(1) / mask.sum(1).clamp(min=1)
            sample = inputs["sample"].double()
            rows = (sample, inputs["reward"].double(), score.double())
            self._rows.append(torch.stack(rows, 1))
        return loss

    def settle(self) -> None:
        """Give the ledger every group that all processes together have finished."""
        mine = torch.cat(self._rows).tolist() if self._rows else []
        self._rows = []
        for sample, reward, score in gather_object(mine):
            self._open[int(sample)].append((reward, score))
        for sample in [s for s, rows in self._open.items() if len(rows) >= self.num_generations]:
            rewards, scores = zip(*self._open.pop(sample), strict=True)
            told = any(score != score for score in scores)
            self.ledger.seen(sample, rewards, None if told else scores)
