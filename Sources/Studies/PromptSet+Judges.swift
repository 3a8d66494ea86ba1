import PromptSets
import Scoring

extension PromptSet {
  /// The judges of this set's replies, the one that gives the verdict first.
  func judges(_ panel: JudgePanel) -> [any Judge] {
    panel.judges(of: kind, references: prompts.map(\.reference))
  }
}
