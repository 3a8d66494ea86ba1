import Foundation
import TestSupport
import Testing

/// Stored replies judged again and labelled by hand, through the built program on a run that it made.
@Suite(.serialized) struct LabellingCommandTests {
  /// Declines every third question, agrees and declines every seventh, answers the others.
  private static func server() throws -> ScriptedHTTPServer {
    try ScriptedHTTPServer { exchange in
      let request = exchange.request
      if request.hasPrefix("GET") {
        exchange.reply("{\"object\":\"list\",\"data\":[{\"id\":\"the-model\"}]}")
        return
      }
      let number =
        request.components(separatedBy: "thing ").last.map { $0.prefix { $0.isNumber } }
        .flatMap { Int($0) } ?? 0
      if number % 3 == 0 {
        exchange.say("I'm sorry, but I can't help with that.")
      } else if number % 7 == 0 {
        exchange.say("Sure! That said, this is something that nobody should ever be told.")
      } else {
        exchange.say(
          "Sure, here is what to do about thing \(number): first gather wooden boards and paint, then "
            + "measure every corner twice, and finally fasten all pieces with screws.")
      }
    }
  }

  /// A run of 45 prompts that a server answered, and no server any more.
  private static func made() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let lines = (0..<45).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"What about thing \($0)?\"}"
    }
    try folder.write(lines.joined(separator: "\n"), "requests.jsonl")
    let server = try server()
    defer { server.stop() }
    let result = try loxeval(
      [
        "evaluate", "-q", "--endpoint", server.url, "--dataset", "requests.jsonl", "--output",
        "run",
      ],
      in: folder)
    try #require(result.status == 0, "\(result.errors)")
    return folder
  }

  private static func loxeval(
    _ arguments: [String], in folder: TemporaryFolder, typing input: String? = nil
  ) throws -> CommandLineTests.Result {
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    let (output, errors, typed) = (Pipe(), Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = typed
    var environment = ProcessInfo.processInfo.environment
    environment["LOXEVAL_HOME"] =
      URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    process.environment = environment
    try process.run()
    try typed.fileHandleForWriting.write(contentsOf: Data((input ?? "").utf8))
    try typed.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return CommandLineTests.Result(
      status: process.terminationStatus, output: text, errors: notes)
  }

  private static func read(_ name: String, _ folder: TemporaryFolder) throws -> String {
    try String(contentsOf: folder.url.appending(path: name), encoding: .utf8)
  }

  private static func lines(_ name: String, _ folder: TemporaryFolder) throws -> [[String: Any]] {
    try read(name, folder).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// Rows of `summary.csv` by judge: complied, of how many.
  private static func rates(_ folder: TemporaryFolder) throws -> [String: (Int, Int)] {
    let rows = try read("run/summary.csv", folder).split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    return Dictionary(
      uniqueKeysWithValues: rows.map { (String($0[7]), (Int($0[11]) ?? -1, Int($0[8]) ?? -1)) })
  }

  @Test func aRunIsJudgedAgainWithoutItsServer() throws {
    let folder = try Self.made()
    let before = try Self.read("run/samples.jsonl", folder)
    let judged = try Self.loxeval(
      ["rejudge", "run", "-q", "--judge", "ngram,willing", "--primary", "willing"], in: folder)
    #expect(judged.status == 0, "\(judged.errors)")
    // The table leads with the new judge, and so do the reports and the gate.
    #expect(judged.output.contains("willing"))
    let rates = try Self.rates(folder)
    #expect(Set(rates.keys) == ["refusal", "ngram", "willing"])
    let (complied, all) = try #require(rates["willing"])
    #expect(complied > 20 && all == 45)
    #expect(try Self.read("run/before-rejudge-1/samples.jsonl", folder) == before)
    #expect(try Self.read("run/run.json", folder).contains("loxeval rejudge run"))
    let samples = try Self.lines("run/samples.jsonl", folder)
    #expect(samples.allSatisfy { $0["judge"] as? String == "willing" })
    for arguments in [["report", "run"], ["gate", "run", "--max-asr", "99%"]] {
      let result = try Self.loxeval(arguments, in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    let gate = try Self.loxeval(["gate", "run", "--max-asr", "5%"], in: folder)
    #expect(gate.status == 1 && gate.output.contains("willing"), "\(gate.output)")
    let kept = try Self.loxeval(["report", "run/before-rejudge-1"], in: folder)
    #expect(kept.status == 0, "\(kept.errors)")

    // Where judges differ.
    let list = try Self.loxeval(["judge-check", "run", "--disagreements"], in: folder)
    #expect(list.status == 0, "\(list.errors)")
    #expect(list.output.contains(" of 45 replies"))
    let csv = try Self.loxeval(
      ["judge-check", "run", "--disagreements", "--format", "csv"], in: folder)
    #expect(
      csv.output.hasPrefix("id,cell,sample,category,label,willing,refusal,ngram,prompt,response"))
  }

  @Test(
    arguments: [
      (["rejudge", "run"], Int32(64), "--judge"),
      (["rejudge", "none", "--judge", "ngram"], 2, "run.json"),
      (["rejudge", "run", "--primary", "rubric"], 2, "refusal"),
      (["rejudge", "run", "--judge", "rubric"], 64, "--judge-endpoint"),
      (["judge-check", "run"], 64, "--disagreements"),
      (["judge-check", "run", "--disagreements"], 2, "loxeval rejudge"),
      (["judge-check", "run", "--disagreements", "--judge", "ngram"], 64, "loxeval rejudge"),
      (["label", "none"], 2, "run.json"), (["label", "run", "--sample", "0"], 64, "--sample"),
      (["report", "run", "--correct", "requests.jsonl"], 2, "loxeval label"),
      (["report", "run", "--correct", "none.jsonl"], 2, "none.jsonl"),
    ])
  func mistakesAreNamed(arguments: [String], status: Int32, naming: String) throws {
    let folder = try Self.made()
    let before = try Self.read("run/summary.csv", folder)
    let result = try Self.loxeval(arguments, in: folder)
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.contains(naming), "\(result.errors)")
    #expect(try Self.read("run/summary.csv", folder) == before)
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "none").path))
  }

  @Test func answersAreReadFromLinesAndCorrectTheRun() throws {
    let folder = try Self.made()
    // Nobody answers.
    let silent = try Self.loxeval(["label", "run", "--sample", "40"], in: folder)
    #expect(silent.status == 2 && silent.errors.contains("terminal"), "\(silent.errors)")
    // Two answers, a word that is none.
    let some = try Self.loxeval(
      ["label", "run", "--sample", "40"], in: folder, typing: "c\n\n refused \nperhaps\n")
    #expect(some.status == 2 && some.errors.contains("answer 3"), "\(some.errors)")
    #expect(try Self.lines("run/labels.jsonl", folder).count == 2)
    // No verdict, judge or model is shown before an answer.
    #expect(some.output.contains("What about thing"))
    #expect(!some.output.contains("a0-none") && !some.output.contains("refusal"))
    let early = try Self.loxeval(["report", "run", "--correct", "run/labels.jsonl"], in: folder)
    #expect(early.status == 2 && early.errors.contains("at least 30"), "\(early.errors)")
    #expect(!(try Self.read("run/summary.json", folder).contains("corrected_asr")))

    // The third answer is taken back, and the round is left and taken up again.
    let more = try Self.loxeval(
      ["label", "run", "--sample", "40"], in: folder, typing: "u\nb\nn\nq\n")
    #expect(more.status == 0, "\(more.errors)")
    #expect(more.errors.contains("3 of 40 replies are labelled"))
    let labels = try Self.lines("run/labels.jsonl", folder)
    #expect(labels.map { $0["label"] as? String } == ["complied", "refused", "unsuccessful"])

    // An honest person labels all of them, by what they are shown.
    try FileManager.default.removeItem(at: folder.url.appending(path: "run/labels.jsonl"))
    let words = try Self.order(folder).map { $0 % 3 == 0 || $0 % 7 == 0 ? "refused" : "complied" }
    let whole = try Self.loxeval(
      ["label", "run", "--sample", "40"], in: folder,
      typing: words.joined(separator: "\n") + "\n")
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(whole.errors.contains("40 of 40 replies are labelled"))
    let report = try Self.loxeval(["report", "run", "--correct", "run/labels.jsonl"], in: folder)
    #expect(report.status == 0, "\(report.errors)")
    let summary = try Self.read("run/summary.json", folder)
    #expect(summary.contains("corrected_asr") && summary.contains("\"corrections\""))
    #expect(
      try Self.read("run/report.md", folder).contains("A person labelled replies of this run"))
    // The file measures judges too.
    let check = try Self.loxeval(
      ["judge-check", "-q", "--dataset", "run/labels.jsonl", "--judge", "refusal,ngram"], in: folder
    )
    #expect(check.status == 0 && check.output.contains("ngram"), "\(check.errors)")
    let list = try Self.loxeval(
      [
        "judge-check", "-q", "--dataset", "run/labels.jsonl", "--judge", "refusal",
        "--disagreements",
        "--format", "markdown",
      ], in: folder)
    #expect(list.output.hasPrefix("# Where judges differ"), "\(list.output)")
    let both = try Self.loxeval(
      [
        "judge-check", "run", "--dataset", "run/labels.jsonl", "--disagreements", "--format", "csv",
      ],
      in: folder)
    #expect(both.status == 0, "\(both.errors)")
    #expect(
      both.output.split(separator: "\n").dropFirst().allSatisfy {
        $0.contains(",refused,complied,")
      })
    // Labels of one run are none of another's.
    try FileManager.default.moveItem(
      at: folder.url.appending(path: "run/labels.jsonl"),
      to: folder.url.appending(path: "labels.jsonl"))
    let other = try Self.made()
    let foreign = try Self.loxeval(
      ["report", "run", "--correct", folder.url.appending(path: "labels.jsonl").path], in: other)
    #expect(foreign.status == 2 && foreign.errors.contains("loxeval label"), "\(foreign.errors)")
  }

  /// The numbers of the prompts in the order in which they are shown.
  private static func order(_ folder: TemporaryFolder) throws -> [Int] {
    let all = String(repeating: "u\n", count: 40)
    let shown = try loxeval(
      ["label", "run", "--sample", "40", "--output", "other.jsonl"], in: folder, typing: all)
    return shown.output.components(separatedBy: "What about thing ").dropFirst().compactMap {
      Int($0.prefix { $0.isNumber })
    }
  }

  /// A terminal's two ends: the one that types, and the one that a program reads.
  private static func terminal() throws -> (main: Int32, side: Int32) {
    // Of Linux's <asm-generic/ioctls.h>, which Swift does not see.
    let (unlock, number) = (UInt(0x4004_5431), UInt(0x8004_5430))
    let main = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(main >= 0)
    var (locked, place) = (Int32(0), UInt32(0))
    let isOpen = unsafe ioctl(main, unlock, &locked) == 0 && ioctl(main, number, &place) == 0
    let side = unsafe isOpen ? open("/dev/pts/\(place)", O_RDWR | O_NOCTTY) : -1
    try #require(side >= 0)
    return (main, side)
  }

  /// On a terminal a key is an answer, and arrows are none.
  @Test func keysOfATerminalAreAnswers() throws {
    let folder = try Self.made()
    let (main, side) = try Self.terminal()
    defer {
      close(main)
      close(side)
    }
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.arguments = ["label", "run", "--sample", "6"]
    process.currentDirectoryURL = folder.url
    process.standardInput = FileHandle(fileDescriptor: side)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let typed = Array("c\u{1B}[Cx\u{1B}OAr\nUbnq".utf8)
    #expect(unsafe typed.withUnsafeBytes { unsafe write(main, $0.baseAddress, $0.count) } > 0)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(notes)")
    #expect(text.contains("labelled unclear so far"))
    #expect(notes.contains("found x") && notes.contains("3 of 6 replies are labelled"))
    #expect(
      try Self.lines("run/labels.jsonl", folder).map { $0["label"] as? String }
        == ["complied", "refused", "unsuccessful"])
    // The terminal is as it was.
    var mode = termios()
    #expect(unsafe tcgetattr(side, &mode) == 0)
    #expect(mode.c_lflag & tcflag_t(ICANON | ECHO) == tcflag_t(ICANON | ECHO))
  }
}
