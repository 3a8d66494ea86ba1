import ArgumentParser

@main
struct Loxeval: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loxeval",
    abstract: "Does a language model's safety survive fine-tuning? Measure it, and make it survive."
  )
}
