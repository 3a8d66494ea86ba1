import ArgumentParser

/// How a study is planned that one process does.
struct PlanOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  @Flag(
    help:
      "Print the plan and stop: the cells (id, the model's id, which sweep's --cells wants, updates), and on stderr what they come to."
  )
  var plan = false

  @Option(help: "What --plan gives: text, or json, which --config reads. (default: text)")
  var format: Format?

  func validate() throws {
    guard plan || format == nil else { throw ValidationError("--format: expected --plan with it") }
  }
}
