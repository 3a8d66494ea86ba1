import ArgumentParser

/// Where else a study's options come from. What they stand for is put in their place before the command line is
/// parsed (``CommandArguments``), so they are never read here.
struct StudyFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Take options from a file of JSON, each by its long name, such as {\"alpha\": \"0..2\", \"limit\": 50}, or what "
        + "--plan --format json prints. Those given here win.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Repeat the study of a run: take the options of the command that began it, but for where it was written. "
        + "Those given here or in --config win.", valueName: "run"))
  var from: String?
}
