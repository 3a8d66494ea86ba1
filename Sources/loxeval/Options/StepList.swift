import Attacks
import Support

/// Steps of a training, as `--attack-steps` spells them: `5,10,20,40`.
struct StepList {
  static let most = 100

  struct Expected: Error, CustomStringConvertible {
    let found: String
    var description: String {
      "expected up to \(most) steps in ascending order, each \(AttackSpecification.stepRange.phrase), such as "
        + "5,10,20,40; found \"\(found)\""
    }
  }

  let steps: [Int]

  init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let steps = parts.compactMap { try? AttackSpecification.stepRange.read($0) }
    guard steps.count == parts.count, steps.count <= Self.most,
      zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 })
    else { throw Expected(found: text) }
    self.steps = steps
  }
}
