package import ModelAccess
package import StudyDesign

/// Begins the model's own turn for it: who controls the conversation on a server that continues an open turn
/// lets it go on from an agreement (as Andriushchenko et al., arXiv 2404.02151, do).
package struct PrefillAttack: PromptAttackForm {
  package let text: String
  /// Whether judges read the beginning as part of the reply. Usually they read what the model itself wrote.
  package let isSeen: Bool

  package init(text: String, isSeen: Bool = false) {
    self.text = text
    self.isSeen = isSeen
  }

  package var id: PromptAttack {
    PromptAttack(
      method: .prefill,
      parameters: [
        PromptAttack.prefillText: .text(text),
        PromptAttack.judged: .text(isSeen ? PromptAttack.wholeTurn : PromptAttack.replyAlone),
      ])
  }

  package var remark: String {
    "the model's turn begins with \"\(text)\", which it goes on from; judges read "
      + (isSeen ? "that too" : "what it wrote itself")
  }

  package func conversation(_ messages: [ChatMessage]) -> [ChatMessage] {
    messages + [ChatMessage(role: .assistant, content: text)]
  }
}

extension PrefillAttack {
  static let kind = PromptAttackKind(
    name: "prefill", form: "TEXT", summary: "the model's turn begins so; judges read the rest"
  ) { PrefillAttack(text: try written($0)) }
  static let seenKind = PromptAttackKind(
    name: "prefill-seen", form: "TEXT", summary: "the same, and judges read the beginning too"
  ) { PrefillAttack(text: try written($0), isSeen: true) }

  private static func written(_ text: String) throws(AttackError) -> String {
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw .emptyPromptAttack(attack: "prefill", form: "TEXT")
    }
    return text
  }
}
