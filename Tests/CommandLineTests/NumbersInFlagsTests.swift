import ArgumentParser
import Foundation
import Testing

@testable import loxeval

/// Every number of a flag has a range, which is checked where it is parsed and stated in the help.
@Suite struct NumbersInFlagsTests {
  struct Flag: Sendable, CustomTestStringConvertible {
    let command: [String]
    let name: String
    /// In range.
    let good: [String]
    /// Just outside, and what only looks like a number.
    let bad: [String]

    var testDescription: String { "\(command.first ?? "") \(name)" }

    init(_ command: [String], _ name: String, _ good: [String], _ bad: [String]) {
      (self.command, self.name, self.good, self.bad) = (command, name, good, bad)
    }
  }

  private static let sweep = ["sweep"]
  private static let evaluate = ["evaluate", "--model", "m"]
  private static let pair = ["--base", "a", "--aligned", "b"]
  private static let extrapolate = ["extrapolate"] + pair + ["--output", "o"]
  private static let spectrum = ["spectrum"] + pair
  private static let attack = ["attack", "--model", "m", "--dataset", "d", "--output", "o"]
  private static let full = attack + ["--method", "full"]
  private static let synthetic = [
    "attack", "--model", "m", "--method", "synthetic", "--base", "b", "--output", "o",
  ]
  private static let align = ["align", "--model", "m", "--dataset", "d", "--output", "o"]
  private static let create = ["create", "--dataset", "d", "--output", "o"]
  private static let serve = ["serve", "--model", "m"]
  private static let gate = ["gate", "r", "--max-asr", "0.5"]
  private static let growth = ["gate", "r", "--baseline", "b"]
  private static let decided = evaluate + ["--until-decided", "--max-asr", "5%"]
  private static let check = ["judge-check"]

  static let flags: [Flag] = [
    Flag(sweep, "--threads", ["1", "512"], ["0", "513", "1000000000", "2147483648"]),
    Flag(sweep, "--limit", ["1", "10000000"], ["0", "10000001"]),
    Flag(evaluate + ["--temperature", "1"], "--samples", ["1", "1000"], ["0", "1001"]),
    Flag(evaluate, "--max-tokens", ["1", "1000000"], ["0", "1000001"]),
    Flag(evaluate, "--temperature", ["0", "1e-9", "100"], ["-0.1", "100.1"]),
    Flag(evaluate, "--max-connections", ["1", "512"], ["0", "513"]),
    Flag(evaluate, "--max-errors", ["0", "20", "5%", "1000000000"], ["-1", "1000000001", "101%"]),
    Flag(evaluate, "--seed", ["0", "18446744073709551615"], ["-1", "18446744073709551616"]),
    Flag(evaluate, "--max-retries", ["0", "100"], ["-1", "101"]),
    Flag(evaluate, "--connect-timeout", ["0.001", "86400"], ["0", "86401", "-1"]),
    Flag(evaluate, "--first-byte-timeout", ["0.001", "86400"], ["0", "86401"]),
    Flag(evaluate, "--body-timeout", ["0.001", "86400"], ["0", "86401"]),
    Flag(evaluate, "--max-utility-drop", ["0", "1.0", "5%"], ["1", "2", "101%", "-1%"]),
    Flag(evaluate, "--max-over-refusal-increase", ["0", "1.0", "5%"], ["1", "2", "101%"]),
    Flag(sweep, "--start-timeout", ["0.5", "86400"], ["0", "86401"]),
    Flag(sweep, "--max-restarts", ["0", "1000"], ["-1", "1001"]),
    Flag(
      sweep, "--alpha", ["0..2", "0..999:1", "-1..1:0.5", "0,1000"],
      [
        "0..2:1e-300", "0..2:1e-9", "0..1000:0.5", "0..2:0", "0..2:-1", "0..1e300", "-1e300..0",
        "1001", "0..2:1e300", "0..2:inf", "0..nan", "2..0",
        Array(repeating: "1", count: 1_001).joined(separator: ","),
      ]),
    Flag(
      sweep, "--rank", ["1", "65536", "full", "auto:0.9", "auto:90%", "auto:1.0"],
      [
        "0", "65537", "6,65537", "auto:1", "auto:2", "auto:0", "auto:101%",
        Array(repeating: "1", count: 101).joined(separator: ","),
      ]),
    Flag(
      sweep, "--defence", ["lox:rank=65536"],
      ["lox:rank=65537", "lox:rank=0", "lox:rank=2147483648"]
    ),
    Flag(
      sweep, "--attack", ["synthetic-harmful:1000", "synthetic-benign:0.1"],
      ["synthetic-harmful:1001", "synthetic-harmful:0", "synthetic-benign:-1"]),
    Flag(sweep, "--judge", ["refusal"], ["rubric:6", "rubric:1", "strongreject:1.1"]),
    Flag(extrapolate, "--alpha", ["-1000", "1000", "1e-300"], ["1001", "-1001"]),
    Flag(extrapolate, "--rank", ["1", "65536"], ["0", "65537"]),
    Flag(extrapolate, "--memory", ["1", "512M", "4g"], ["0", "-1G", "9007199254740992T"]),
    Flag(spectrum, "--rank", ["1", "65536"], ["0", "65537"]),
    Flag(attack, "--rank", ["1", "4096"], ["0", "4097"]),
    Flag(attack, "--lora-alpha", ["1e-9", "1000000"], ["0", "1000001"]),
    Flag(attack, "--dropout", ["0", "0.99"], ["1", "-0.1"]),
    Flag(attack, "--learning-rate", ["1e-9", "10"], ["0", "10.1", "-1"]),
    Flag(attack, "--warmup-steps", ["0", "1000000000"], ["-1", "1000000001"]),
    Flag(attack, "--epochs", ["1", "100000"], ["0", "100001"]),
    Flag(attack, "--max-steps", ["1", "1000000000"], ["0", "1000000001"]),
    Flag(attack, "--batch-size", ["1", "65536"], ["0", "65537"]),
    Flag(attack, "--accumulation", ["1", "65536"], ["0", "65537"]),
    Flag(attack, "--max-gradient-norm", ["0", "1000000"], ["-1", "1000001"]),
    Flag(attack, "--weight-decay", ["0", "100"], ["-1", "101"]),
    Flag(attack, "--max-length", ["2", "16777216"], ["1", "16777217"]),
    Flag(attack, "--limit", ["1", "10000000"], ["0", "10000001"]),
    Flag(full, "--energy", ["0.01", "1.0", "99%"], ["0", "1", "2", "101%"]),
    Flag(full, "--maximum-rank", ["1", "65536"], ["0", "65537"]),
    Flag(synthetic, "--strength", ["0.001", "1000"], ["0", "1001", "-1"]),
    Flag(align, "--beta", ["0.001", "1000"], ["0", "1001"]),
    Flag(create, "--hidden-size", ["96", "8"], ["0", "16385"]),
    Flag(create, "--intermediate-size", ["1", "65536"], ["0", "65537"]),
    Flag(create, "--layers", ["1", "256"], ["0", "257"]),
    Flag(create, "--heads", ["4", "2"], ["0", "1025"]),
    Flag(create, "--key-value-heads", ["1", "4"], ["0", "1025"]),
    Flag(create, "--context-length", ["8", "1048576"], ["7", "1048577"]),
    Flag(create, "--vocabulary-size", ["259", "1000000"], ["258", "1000001"]),
    Flag(serve, "--slots", ["1", "256"], ["0", "257"]),
    Flag(serve, "--cache", ["1", "16777216"], ["0", "16777217", "8796093022208"]),
    Flag(serve, "--port", ["0", "65535"], ["-1", "65536"]),
    Flag(gate, "--max-over-refusal", ["0", "1.0", "100%"], ["1", "01", "1e0", "2", "10", "101%"]),
    Flag(gate, "--min-utility", ["0", "1.0", "100%"], ["1", "2", "10", "-0.1"]),
    Flag(gate, "--max-unscored", ["0", "1.0"], ["1", "2"]),
    Flag(gate, "--confidence", ["0.5", "0.999999", "95%"], ["0.4", "0.9999999", "95", "1"]),
    Flag(gate, "--alpha", ["0..2", "all", "recommended"], ["0..2:1e-300", "1001"]),
    Flag(
      gate + ["--plan"], "--power", ["0.5", "80%", "0.999"], ["0", "1", "1.0", "100%", "-0.1"]),
    Flag(gate + ["--plan"], "--true-rate", ["1%,10%", "0", "1.0"], ["1", "2", "101%", "-1%"]),
    Flag(decided, "--max-prompts", ["1", "10000000"], ["0", "10000001"]),
    Flag(decided, "--max-asr", ["0", "1.0", "5%"], ["1", "2", "101%"]),
    Flag(evaluate, "--max-time", ["1", "90s", "30m", "8760h"], ["0", "0.5", "8761h", "-1", "1d"]),
    Flag(growth, "--max-increase", ["0", "1.0", "5%"], ["1", "2", "101%"]),
    Flag(growth, "--max-asr", ["0", "1.0", "1%"], ["1", "2", "3", "10", "101%", "-1%"]),
    Flag(check, "--max-connections", ["1", "512"], ["0", "513"]),
    Flag(check, "--mistakes", ["0", "1000000"], ["-1", "1000001"]),
    Flag(sweep, "--attack-seeds", ["1", "100"], ["0", "101", "-1"]),
    Flag(
      sweep + ["--attack", "identity-shift"], "--attack-steps", ["1", "1,1000000"],
      ["0", "1000001", "2,1", "2,2", "1,", ""]),
  ]

  /// No flag takes these, whatever it asks for.
  static let extremes = [
    "", " ", "x", "1x", "-", "--", "1,5", "0x10", "١٢", "nan", "-nan", "inf", "-inf", "infinity",
    "1e400", "-1e400", "9223372036854775808", "-9223372036854775809", "99999999999999999999999999",
    "-99999999999999999999999999", "1e19", "1e300", "-1e300", "1.7976931348623157e308",
  ]

  private static func command(_ name: String?) -> (any ParsableCommand.Type)? {
    Loxeval.configuration.subcommands.first { $0.configuration.commandName == name }
  }

  /// What a command says of a flag's value: 0 and nothing, or its exit code and why.
  ///
  /// - Parameter isTold: whether the message is wanted, which takes as long as parsing once more.
  private static func code(
    _ flag: Flag, _ value: String, isTold: Bool = false
  ) -> (code: Int32, message: String) {
    guard let type = Self.command(flag.command.first) else { return (-1, "no such command") }
    do {
      _ = try type.parse(Array(flag.command.dropFirst()) + ["\(flag.name)=\(value)"])
      return (0, "")
    } catch {
      return (type.exitCode(for: error).rawValue, isTold ? type.fullMessage(for: error) : "")
    }
  }

  /// A set of instructions that nobody knows would limit nothing, in silence.
  @Test func unknownInstructionsAreRefused() throws {
    let result = try CommandLineTests.result(
      of: CommandLineTests.start(
        ["create", "--dataset", "x", "--output", "x"],
        environment: ProcessInfo.processInfo.environment.merging(
          ["LOXEVAL_INSTRUCTIONS": "avx3"]) { $1 }))
    #expect(
      result.status == 64 && result.errors.contains("expected one of generic, avx2"),
      "\(result.errors)")
  }

  @Test(arguments: flags)
  func rangesHoldAtTheirEnds(_ flag: Flag) {
    for value in flag.good {
      let found = Self.code(flag, value)
      #expect(found.code == 0, "\(flag.name)=\(value)")
    }
    for (index, value) in flag.bad.enumerated() {
      let found = Self.code(flag, value, isTold: index == 0)
      #expect(found.code == 64, "\(flag.name)=\(value)")
      #expect(index > 0 || found.message.contains(flag.name), "\(found.message)")
    }
  }

  /// One of the texts for each flag, each of them for several: a parse takes a while.
  @Test(arguments: flags.indices)
  func noFlagTakesWhatIsNoNumber(_ index: Int) {
    let flag = Self.flags[index]
    let value = Self.extremes[index % Self.extremes.count]
    // In a seed's range.
    if flag.name == "--seed", value == "9223372036854775808" { return }
    #expect(Self.code(flag, value).code == 64, "\(flag.name)=\(value)")
  }

  /// A scale that float32 does not hold would make every reply one of no numbers.
  @Test(arguments: [serve, evaluate, attack])
  func scalesOfAdaptersAreOfFloat32(command: [String]) {
    let flag = Flag(command, "--adapter", ["a", "a:-2", "a:3e38"], ["a:1e39", "a:-1e39", "a:nan"])
    for value in flag.good { #expect(Self.code(flag, value).code == 0, "\(value)") }
    for (index, value) in flag.bad.enumerated() {
      let found = Self.code(flag, value, isTold: index == 0)
      #expect(found.code == 64, "\(value)")
      #expect(index > 0 || found.message.contains("expected a folder"), "\(found.message)")
    }
  }

  /// The help of each command states the range of each of its numbers.
  @Test func helpStatesRanges() throws {
    for (command, ranges) in [
      ("sweep", ["1 to 512", "1 to 1000;", "above 0, up to 86400; default: 10", "-1000 to 1000"]),
      ("attack", ["1 to 4096; default: 16", "above 0, up to 1, as 0.1 or 10%; default: 0.99"]),
      ("create", ["8 to 1048576; default: 256", "259 to 1000000; default: 512"]),
      ("gate", ["0 to 1, as 0.1 or 10%", "0.5 to 0.999999, as 0.95 or 95%; default: 0.95"]),
      ("serve", ["1 to 256; default: 16"]), ("judge-check", ["0 to 1000000; default: 5"]),
      ("spectrum", ["1 to 65536; default: 6"]), ("extrapolate", ["-1000 to 1000; default: 1.25"]),
    ] {
      let type = try #require(Self.command(command))
      let help = Loxeval.helpMessage(for: type, columns: 1_000)
      for range in ranges { #expect(help.contains(range), "\(command): \(range)\n\(help)") }
    }
  }

  @Test func theAmbiguousShareIsExplained() {
    let found = Self.code(Flag(["gate", "r"], "--max-asr", [], []), "1", isTold: true)
    #expect(found.code == 64)
    #expect(
      found.message.contains("expected 1% for one in a hundred, or 1.0 for all"), "\(found.message)"
    )
  }
}
