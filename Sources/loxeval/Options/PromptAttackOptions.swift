import ArgumentParser
import Attacks
import StudyDesign

/// In what other ways harmful requests are asked.
struct PromptAttackOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Ask harmful requests in another way too: \(PromptAttackKind.help). May be repeated.",
      valueName: "attack"))
  var promptAttack: [String] = []

  var isGiven: Bool { !promptAttack.isEmpty }

  var forms: [any PromptAttackForm] {
    get throws {
      let forms = try promptAttack.map { try PromptAttackKind.parse($0) }
      var seen: Set<String> = []
      if let twice = forms.first(where: { !seen.insert($0.id.title).inserted }) {
        throw ValidationError(
          "--prompt-attack: expected each once, and templates of different names, found \(twice.id.title) again"
        )
      }
      return forms
    }
  }

  func validate() throws {
    do { _ = try forms } catch let error as AttackError where error.isUsage {
      throw ValidationError("--prompt-attack: \(error)")
    } catch {}
  }
}
