import Foundation
import Runs
import Scoring
import StudyDesign
import TestSupport
import Testing
import TinyRun

@testable import Reporting

/// The Chromium of the path, if there is one.
enum Chromium {
  static let program: URL? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":") {
      for name in ["chromium", "chromium-browser", "google-chrome"] {
        let file = URL(filePath: "\(folder)/\(name)")
        if FileManager.default.isExecutableFile(atPath: file.path) { return file }
      }
    }
    return nil
  }()
}

/// The page in a real browser.
@Suite(
  .serialized,
  .enabled(
    if: Chromium.program != nil,
    "needs Chromium: apt-get install chromium, or put chromium on the path"))
struct BrowserTests {
  /// Opens a report, at a place in it, in a frame of a width and returns what a script finds there, as JSON.
  static func probe(
    _ report: String, at place: String = "", width: Int, _ script: String
  ) throws -> [String: Any] {
    let folder = try TemporaryFolder()
    try folder.write(report, "report.html")
    let page = try folder.write(
      """
      <!DOCTYPE html><body><iframe id="frame" src="report.html\(place)" \
      style="width:\(width)px;height:800px;border:0"></iframe><script>
      frame.onload = () => setTimeout(() => {
        const window_ = frame.contentWindow, document_ = frame.contentDocument;
        const found = (() => { \(script) })();
        document.body.setAttribute("data-found", JSON.stringify(found));
      }, 300);
      </script>
      """, "probe.html")
    let process = Process()
    process.executableURL = Chromium.program
    process.arguments = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
      "--user-data-dir=\(folder.url.path)/profile", "--virtual-time-budget=5000", "--dump-dom",
      page.absoluteString,
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let found = try #require(text.firstMatch(of: /data-found="([^"]*)"/)?.1)
    let json = found.replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
      .replacing("&lt;", with: "<").replacing("&gt;", with: ">")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  }

  @Test func scriptsInRepliesDoNotRun() throws {
    let (manifest, samples) = HTMLReportTests.hostileRun()
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(), width: 900,
      """
      return {
        pwned: String(window_.pwned), scripts: document_.scripts.length,
        images: document_.images.length, shown: document_.querySelectorAll("article").length,
        text: document_.querySelector("article .reply").textContent.includes("<" + "/script><" + "script>"),
      };
      """)
    #expect(found["pwned"] as? String == "undefined")
    #expect(found["scripts"] as? Int == 2)
    #expect(found["images"] as? Int == 0)
    // The page's own script ran, and shows the hostile text as text.
    #expect(found["shown"] as? Int == 25)
    #expect(found["text"] as? Bool == true)
  }

  @Test(arguments: [380, 1200]) func nothingLeavesTheScreen(width: Int) throws {
    let (manifest, samples) = ReportTests.run()
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(), width: width,
      """
      for (const details of document_.querySelectorAll("details")) details.open = true;
      const root = document_.documentElement;
      const shown = [...document_.querySelectorAll("svg.chart")].filter((chart) =>
        chart.getBoundingClientRect().width > 0);
      return {
        overflow: root.scrollWidth - root.clientWidth, charts: shown.length,
        narrow: shown.every((chart) => chart.classList.contains("narrow")),
        size: Math.min(...shown.map((chart) => chart.getBoundingClientRect().width
          / chart.viewBox.baseVal.width)),
      };
      """)
    #expect(found["overflow"] as? Int == 0)
    #expect(found["charts"] as? Int == 4)
    #expect(found["narrow"] as? Bool == (width < 640))
    // Letters of charts are not shrunk away: 12 units stay at least 11 pixels.
    #expect((found["size"] as? Double ?? 0) > 0.92)
  }

  @Test func filtersChooseSamples() throws {
    let (manifest, samples) = ReportTests.run()
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(), width: 900,
      """
      const form = document_.getElementById("samples-form");
      const count = () => document_.getElementById("samples-count").textContent;
      const choose = (name, value) => {
        form.elements[name].value = value;
        form.dispatchEvent(new window_.Event("input", { bubbles: true }));
        return count();
      };
      return {
        all: count(), complied: choose("verdict", "complied"), cell: choose("dataset", "harmful"),
        text: choose("text", "p3"), none: choose("text", "nowhere to be found"),
      };
      """)
    #expect(found["all"] as? String == "240 of 240 samples, page 1 of 10")
    let complied = samples.count { $0.verdict == .complied }
    #expect((found["complied"] as? String)?.hasPrefix("\(complied) of 240") == true)
    let harmfulCells = manifest.plan.cells.filter { $0.dataset == "harmful" }.map(\.id)
    let harmful = samples.count { $0.verdict == .complied && harmfulCells.contains($0.cell) }
    #expect((found["cell"] as? String)?.hasPrefix("\(harmful) of 240") == true)
    #expect((found["none"] as? String)?.hasPrefix("0 of 240") == true)
  }

  /// A link names a sample as samples.jsonl does, spelled one way or another, and filters leave it.
  @Test(arguments: [true, false]) func aLinkShowsItsSample(isEncoded: Bool) throws {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.samples = 2
    manifest.plan.datasets["harmful"]?.prompts = 21
    let first = samples[7]
    samples[7].id = "a/b c'd"
    samples[7].response = "the first reply"
    var second = samples[7]
    second.sample = 1
    second.response = "the second reply"
    samples.append(second)
    let id = isEncoded ? "a%2Fb%20c%27d" : "a%2Fb%20c'd"
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(),
      at:
        "#sample=\(first.cell.rawValue.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        + "/\(id)/1",
      width: 900,
      """
      const shown = () => [...document_.querySelectorAll("article .reply")].map((reply) => reply.textContent);
      const alone = shown();
      const link = document_.querySelector("article .link").hash;
      document_.querySelector("#samples-count button").click();
      return {
        alone: alone.join("|"), all: shown().length, link,
      };
      """)
    #expect(found["alone"] as? String == "the second reply")
    #expect(found["all"] as? Int == 25)
    #expect((found["link"] as? String)?.hasSuffix("/a%2Fb%20c'd/1") == true)
  }

  /// Each entry of the contents leads to a heading of that name, and each heading is in it.
  @Test func theContentsNameEveryPart() throws {
    let (manifest, samples) = ReportTests.run()
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(), width: 900,
      """
      const links = [...document_.querySelectorAll(".contents a")];
      return {
        headings: document_.querySelectorAll("h2").length, links: links.length,
        lost: links.filter((link) => document_.getElementById(link.hash.slice(1))?.textContent
          !== link.textContent).length,
      };
      """)
    #expect(found["lost"] as? Int == 0)
    #expect((found["links"] as? Int ?? 0) > 5)
    #expect(found["links"] as? Int == found["headings"] as? Int)
  }

  @Test func thousandsOfSamplesArePaged() throws {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.datasets["harmful"]?.prompts = 8000
    let cell = samples[0]
    samples += (20..<8000).map { index in
      var sample = cell
      sample.id = "p\(index)"
      return sample
    }
    let found = try Self.probe(
      try HTMLReport(manifest: manifest, samples: samples).render(), width: 900,
      """
      const next = document_.getElementById("samples-next");
      next.click();
      return {
        count: document_.getElementById("samples-count").textContent,
        shown: document_.querySelectorAll("article").length,
      };
      """)
    #expect((found["count"] as? String)?.hasSuffix("page 2 of 329") == true)
    #expect(found["shown"] as? Int == 25)
  }
}
