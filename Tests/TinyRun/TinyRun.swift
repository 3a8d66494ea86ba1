import ModelAccess
package import PromptSets
package import Runs

/// A small study of two attacks and its one set of prompts.
package func makeManifest(alphas: [Double] = [0, 1], prompts: Int = 10) -> (RunManifest, PromptSet)
{
  let set = PromptSet(
    name: "set", kind: .harmful,
    prompts: (0..<prompts).map {
      Prompt(id: "p\($0)", category: "c\($0 % 2)", prompt: "prompt \($0)")
    }, digest: "sha256:0")
  let cells = ["none", "import"].flatMap { attack in
    alphas.map { alpha in
      Cell(
        model: "m", targets: "all", rank: "6", alpha: alpha, attack: attack,
        attackMethod: attack == "none" ? "none" : "imported", dataset: "set",
        variant: [ScaledUpdate(name: "lox-r6", scale: alpha)]
          + (attack == "none" ? [] : [ScaledUpdate(name: attack, scale: 1)]))
    }
  }
  let manifest = RunManifest(
    plan: RunManifest.Plan(
      cells: cells, decoding: Decoding(maxTokens: 8), seed: 0, judge: "refusal",
      judgeConfiguration: "test",
      datasets: ["set": .init(digest: "sha256:0", prompts: prompts, kind: .harmful)],
      models: ["aligned": "sha256:1"], updates: [:], remarks: [:], server: "embedded"),
    environment: RunManifest.Environment(
      command: "loxeval sweep", version: "test", createdAt: "2026-01-01T00:00:00Z", threads: 2,
      blas: "test", instructions: "test", platform: "test"))
  return (manifest, set)
}
