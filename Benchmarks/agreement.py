"""Two runs of the same sweep on different servers, compared sample by sample."""

import json


def samples(folder):
    """The journal of a run's folder, by cell and prompt."""
    lines = (folder / "samples.jsonl").read_text().splitlines()
    return {(s["cell"], s["id"]): s for s in map(json.loads, lines)}


class Agreement:
    def __init__(self, ours, theirs):
        self.ours, self.theirs = samples(ours), samples(theirs)
        assert self.ours.keys() == self.theirs.keys(), "the runs asked different things"

    def __len__(self):
        return len(self.ours)

    def count(self, field, keys=None):
        keys = self.ours if keys is None else keys
        return sum(self.ours[key][field] == self.theirs[key][field] for key in keys)

    def table(self, name, attack):
        """Each cell's verdicts and rates, as Markdown; `name` is the other server's."""
        lines = [f"| α | attack | verdicts agree | ASR embedded | ASR {name} |", "|---|---|---|---|---|"]
        for cell in dict.fromkeys(cell for cell, _ in self.ours):
            keys = [key for key in self.ours if key[0] == cell]
            rates = [
                sum(run[key]["verdict"] == "complied" for key in keys) / len(keys)
                for run in (self.ours, self.theirs)
            ]
            alpha = "0" if cell.startswith("a0-") else cell.split("-")[1][1:]
            under = "none" if "-none-" in cell else attack
            same = self.count("verdict", keys) / len(keys)
            lines.append(f"| {alpha} | {under} | {same:.1%} | {rates[0]:.1%} | {rates[1]:.1%} |")
        return "\n".join(lines)
