import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support

/// What many samples share, kept once: prompts, what judges said, judges' names.
final class OutcomeNames: Sendable {
  let prompts: [AskedPrompt]
  let panels: [OutcomePanel]
  let judges: [String]

  init(prompts: [AskedPrompt] = [], panels: [OutcomePanel] = [], judges: [String] = []) {
    self.prompts = prompts
    self.panels = panels
    self.judges = judges
  }
}

/// Finds the places of what samples share, and refuses prompts that the plan does not have.
struct OutcomeNaming: Sendable {
  private struct PromptKey: Hashable {
    let setting: Int
    let id: String
    let category: String
    let text: TextDigest
    let reference: TextDigest?
  }

  /// What is asked alike of every cell.
  private struct Place: Hashable {
    let setting: Int
    let id: String
  }

  private(set) var prompts: [AskedPrompt] = []
  private(set) var panels: [OutcomePanel] = []
  private(set) var judges: [String] = []
  /// Each prompt's place among all by their ids, as people count: `q2` before `q10`.
  private(set) var ranks: [Int] = []
  private var promptPlaces: [PromptKey: UInt32] = [:]
  private var panelPlaces: [OutcomePanel: UInt32] = [:]
  private var texts: [Place: TextDigest] = [:]
  private var ids: [String: Set<String>] = [:]

  /// Why the plan does not have a prompt.
  struct Objection: Error {
    let reason: String
  }

  /// - Parameters:
  ///   - setting: tells what the sample's cell asks from what others do: the set, and the attack on prompts.
  ///   - planned: prompts of the set.
  mutating func prompt(
    of sample: Sample, _ cell: Cell, setting: Int, planned: Int
  ) throws(Objection) -> UInt32 {
    let key = PromptKey(
      setting: setting, id: sample.id, category: sample.category, text: TextDigest(sample.prompt),
      reference: sample.reference.map { TextDigest($0) })
    if let known = promptPlaces[key] { return known }
    let place = Place(setting: setting, id: sample.id)
    guard texts[place, default: key.text] == key.text else {
      throw Objection(reason: "another prompt than other cells have under that id")
    }
    texts[place] = key.text
    ids[cell.dataset, default: []].insert(sample.id)
    guard ids[cell.dataset, default: []].count <= planned else {
      throw Objection(reason: "one more prompt than the \(planned) of \(cell.dataset)")
    }
    let number = UInt32(prompts.count)
    promptPlaces[key] = number
    prompts.append(
      AskedPrompt(
        dataset: cell.dataset, promptAttack: cell.promptAttack, id: sample.id,
        category: sample.category, text: key.text, reference: key.reference))
    return number
  }

  mutating func panel(of sample: Sample) -> (place: UInt32, numbers: [Double]) {
    var numbers: [Double] = []
    let said = sample.judgements.map { (place: judge($0.key), judgement: $0.value) }
      .sorted { $0.place < $1.place }
    let entries = said.map { place, judgement in
      if let score = judgement.score { numbers.append(score) }
      return OutcomePanel.Entry(
        judge: place, verdict: judgement.verdict, failure: judgement.failure?.code,
        hasScore: judgement.score != nil)
    }
    if let loss = sample.refusalLoss { numbers.append(loss) }
    let panel = OutcomePanel(
      failure: sample.failure?.code, judge: judge(sample.judge), judgements: entries,
      hasLoss: sample.refusalLoss != nil)
    if let known = panelPlaces[panel] { return (known, numbers) }
    let number = UInt32(panels.count)
    panelPlaces[panel] = number
    panels.append(panel)
    return (number, numbers)
  }

  private mutating func judge(_ name: String) -> Int {
    if let known = judges.firstIndex(of: name) { return known }
    judges.append(name)
    return judges.count - 1
  }

  /// Puts all prompts that are known by now into the order of their ids.
  mutating func rank() {
    guard ranks.count < prompts.count else { return }
    let order = Set(prompts.map(\.id)).sorted { $0.isBefore(counting: $1) }
    let places = Dictionary(
      order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    ranks = prompts.map { places[$0.id] ?? order.count }
  }

  /// As they are now.
  var names: OutcomeNames { OutcomeNames(prompts: prompts, panels: panels, judges: judges) }
}
