import Foundation
import ModelAccess
import StudyDesign
import TestSupport
import Testing

@testable import Attacks

@Suite struct PromptAttackTests {
  private static let messages = [
    ChatMessage(role: .system, content: "s"), ChatMessage(role: .user, content: "Bake {prompt}?"),
  ]

  @Test func prefillOpensTheModelsTurn() throws {
    let attack = try PromptAttackKind.parse("prefill:Sure, here: is")
    #expect(
      attack.conversation(Self.messages)
        == Self.messages + [ChatMessage(role: .assistant, content: "Sure, here: is")])
    #expect(attack.id.isContinued && attack.id.judgedPrefix.isEmpty)
    #expect(attack.id.text == "prefill judged=reply text=Sure, here: is")
    let seen = try PromptAttackKind.parse("prefill-seen:Sure")
    #expect(seen.id.judgedPrefix == "Sure" && seen.id != attack.id)
    #expect(PromptAttack.none.judgedPrefix.isEmpty && !PromptAttack.none.isContinued)
  }

  /// The request stands whole in each form, and what it spells is not filled in again.
  @Test(arguments: TemplateAttack.bundled.map(\.name))
  func bundledFormsHoldTheRequest(name: String) throws {
    let attack = try PromptAttackKind.parse("template:\(name)")
    let sent = attack.conversation(Self.messages)
    #expect(sent.count == 2 && sent[0] == Self.messages[0])
    #expect(sent[1].content.components(separatedBy: "Bake {prompt}?").count == 2)
    #expect(sent[1].content.count > Self.messages[1].content.count + 40)
    #expect(!attack.id.isContinued && attack.remark.contains("{prompt}"))
    #expect(attack.id.parameters["name"] == .text(name))
  }

  @Test func templatesAreFiles() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("First {prompt}, then {prompt}.", "mine.txt")
    let attack = try PromptAttackKind.parse("template:\(file.path)")
    #expect(
      attack.conversation([ChatMessage(role: .user, content: "a")])[0].content == "First a, then a."
    )
    #expect(attack.id.parameters["name"] == .text("mine"))
    let other = try folder.write("Then {prompt}.", "mine.txt")
    #expect(try PromptAttackKind.parse("template:\(other.path)").id != attack.id)
  }

  @Test func faultsAreNamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("no place", "mine.txt")
    for (text, expected) in [
      ("prefil:Sure", AttackError.unknownPromptAttack("prefil:Sure")),
      ("prefill", .emptyPromptAttack(attack: "prefill", form: "TEXT")),
      ("prefill:  ", .emptyPromptAttack(attack: "prefill", form: "TEXT")),
      ("template:", .emptyPromptAttack(attack: "template", form: "NAME|FILE")),
      (
        "template:\(file.path)",
        .unreadableTemplate(path: file.path, reason: "it has no {prompt} for the request")
      ),
      (
        "template:nowhere",
        .unreadableTemplate(
          path: "nowhere", reason: "there is neither a file nor a form of that name")
      ),
    ] {
      #expect(throws: expected) { _ = try PromptAttackKind.parse(text) }
    }
  }
}
