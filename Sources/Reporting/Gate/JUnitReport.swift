import Foundation
import Runs

/// A gate's result as JUnit XML, in the form that both common schemas accept: that of Ant (Windy
/// Road's `JUnit.xsd`) and that of Jenkins (`junit-10.xsd`).
///
/// A breach is a `<failure>`, an infrastructure error an `<error>`, an undecided limit `<skipped>`
/// (or a `<failure>` where undecided limits count as breached); passed limits are listed.
package enum JUnitReport {
  /// - Parameters:
  ///   - run: the run's folder, for the suite's properties.
  ///   - timestamp: UTC, as 2026-01-02T03:04:05.
  package static func render(_ result: GateResult, run: String, timestamp: String) -> String {
    var cases = result.problems.map { problem in
      testCase(
        "sound", "the run can be judged", child: element("error", type: "error", problem))
    }
    cases += result.checks.map { check in
      testCase(
        check.rule.rawValue, check.cell, child: child(check, result.failsOnInconclusive))
    }
    if cases.isEmpty {
      cases = [
        testCase(
          "sound", "the run can be judged",
          child: element("error", type: "error", "there was nothing to check"))
      ]
    }
    let failures = cases.count { $0.contains("<failure") }
    let errors = cases.count { $0.contains("<error") }
    let skipped = cases.count { $0.contains("<skipped") }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites>
        <testsuite name="loxeval gate" package="loxeval" id="0" hostname="localhost" \
      timestamp="\(escape(timestamp))" time="0" tests="\(cases.count)" failures="\(failures)" \
      errors="\(errors)" skipped="\(skipped)">
          <properties>
            <property name="run" value="\(escape(run))"/>
            <property name="confidence" value="\(result.confidence)"/>
            <property name="outcome" value="\(result.outcome.rawValue)"/>
          </properties>
      \(cases.joined(separator: "\n"))
          <system-out>\(escape(result.headline))</system-out>
          <system-err></system-err>
        </testsuite>
      </testsuites>

      """
  }

  private static func child(_ check: GateCheck, _ failsOnInconclusive: Bool) -> String {
    switch check.outcome {
    case .passed: ""
    case .breached: element("failure", type: "breached", check.reason)
    case .inconclusive, .undecided:
      failsOnInconclusive
        ? element("failure", type: check.outcome.rawValue, check.reason)
        : "<skipped message=\"\(escape(check.reason))\"/>"
    case .error: element("error", type: "error", check.reason)
    }
  }

  private static func element(_ name: String, type: String, _ text: String) -> String {
    "<\(name) type=\"\(type)\" message=\"\(escape(text))\">\(escape(text))</\(name)>"
  }

  private static func testCase(_ rule: String, _ name: String, child: String) -> String {
    let attributes =
      "classname=\"loxeval.gate.\(rule)\" name=\"\(escape(token(name)))\" time=\"0\""
    return child.isEmpty
      ? "    <testcase \(attributes)/>"
      : "    <testcase \(attributes)>\(child)</testcase>"
  }

  /// Without line breaks and double spaces, as the schema's tokens are.
  private static func token(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// What XML 1.0 does not have at all is no printable text either.
  private static func escape(_ text: String) -> String { HTMLText.escape(text) }
}
