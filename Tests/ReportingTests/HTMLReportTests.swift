import Foundation
import PromptSets
import Runs
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Reporting

/// The page as a file; ``BrowserTests`` opens it.
@Suite struct HTMLReportTests {
  /// Every place a model or a user's file can put text into, with text that wants out.
  static func hostileRun() -> (RunManifest, [Sample]) {
    var (manifest, samples) = ReportTests.run()
    let attack = "</title></style></script><script>window.pwned=1</script>"
    manifest.plan.remarks = ["=identity|shift": attack]
    manifest.plan.server = attack
    manifest.environment.command = attack
    for index in samples.indices {
      samples[index].prompt = "Prompt \(index % 20) \(attack)<!--<script>"
      samples[index].response +=
        " \(attack)<img src=x onerror=\"window.pwned=2\"><svg onload=window.pwned=3>]]>\u{2028}"
      samples[index].id = "p\(index % 20)\"><script>window.pwned=4</script>"
      samples[index].category = "'onmouseover='window.pwned=5"
    }
    return (manifest, samples)
  }

  @Test func nothingOfAModelIsMarkup() throws {
    let (manifest, samples) = Self.hostileRun()
    let page = try HTMLReport(manifest: manifest, samples: samples).render()
    // The page's own: the data and the script.
    #expect(page.components(separatedBy: "<script").count == 3)
    #expect(page.components(separatedBy: "</script").count == 3)
    #expect(!page.contains("<img"))
    #expect(!page.contains("<svg onload"))
    #expect(!page.contains("\u{2028}"))
    // In the head nothing but what the page needs, and no place to fetch anything from.
    #expect(!page.contains("src=\"") && !page.contains("url("))
    // Links lead to places in the page alone.
    #expect(page.components(separatedBy: "href=").dropFirst().allSatisfy { $0.hasPrefix("\"#") })
    #expect(page.contains("default-src 'none'"))
  }

  @Test func dataSurvivesItsEscapes() throws {
    let probe = "</script><!-- & \u{2028} \u{2029} \" \\ é 漢 🙂"
    let text = HTMLText.embedded(.object(of: [("text", .string(probe))]))
    #expect(!text.contains("<") && !text.contains(">") && !text.contains("&"))
    #expect(
      try JSONDecoder().decode([String: String].self, from: Data(text.utf8)) == ["text": probe])
  }

  @Test func redactedPagesKeepOpeningsOnly() throws {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.server = "embedded"
    let secret = "SECRET-TAIL"
    for index in samples.indices {
      samples[index].response = String(repeating: "o", count: 90) + secret
    }
    for isRedacted in [true, false] {
      let html = try HTMLReport(
        manifest: manifest, samples: samples, isRedacted: isRedacted
      ).render()
      #expect(html.contains(secret) != isRedacted)
      let markdown = MarkdownReport(
        manifest: manifest, samples: samples, isRedacted: isRedacted
      ).render()
      #expect(!markdown.contains(secret) || !isRedacted)
    }
  }

  @Test func curvesBandsAndHeatMapsAreDrawn() throws {
    var (manifest, samples) = ReportTests.run()
    let wide = try HTMLReport(manifest: manifest, samples: samples).render()
    // ASR, over-refusal and answers, each for wide and narrow screens; two attacks each.
    #expect(wide.components(separatedBy: "<svg").count == 9)
    #expect(wide.components(separatedBy: "<polygon").count == 13)
    #expect(!wide.contains("class=\"heat\""))
    let treated = manifest.plan.cells.filter { !$0.treatment.isNone }
    let second = treated.map { cell in
      Cell(
        rank: "full", alpha: cell.treatment.strength, attack: cell.attack.label,
        dataset: cell.dataset)
    }
    let copies = zip(treated, second).flatMap { old, new -> [Sample] in
      samples.filter { $0.cell == old.id }.map { sample in
        var sample = sample
        sample.cell = new.id
        return sample
      }
    }
    samples += copies
    manifest.plan.cells += second
    let ranks = try HTMLReport(manifest: manifest, samples: samples).render()
    #expect(ranks.components(separatedBy: "class=\"heat\"").count == 7)
    let markdown = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(markdown.contains("rank down, α across"))
  }

  @Test func anEvaluationHasNoCurves() throws {
    let run = GateRun.of(3, 97)
    let page = try HTMLReport(manifest: run.manifest, samples: run.samples).render()
    #expect(!page.contains("<svg"))
    #expect(page.contains("The model does not refuse 3.0"))
    #expect(!page.contains("without LoX"))
  }
}

/// How much of a run stands in its page.
@Suite struct PageRoomTests {
  @Test func smallRunsAreWhole() {
    let room = PageRoom(samples: 640, cells: 16)
    #expect(room.samplesOfCell == .max)
    #expect(room.remark.isEmpty)
    let reply = String(repeating: "é", count: 12_000)
    #expect(room.cut(reply) == reply)
  }

  /// Long replies share the page: none is cut before its share is used up, and what is cut says by how much.
  @Test func longRepliesAreCut() {
    let room = PageRoom(samples: 10_000, cells: 10)
    #expect(room.charactersOfText == 800)
    #expect(room.cut(String(repeating: "👩‍🚀", count: 800)) == String(repeating: "👩‍🚀", count: 800))
    let cut = room.cut(String(repeating: "a", count: 5_803))
    #expect(cut.hasPrefix(String(repeating: "a", count: 800) + " …"))
    #expect(cut.hasSuffix("(5003 more characters in samples.jsonl)"))
    #expect(room.cut("short") == "short")
  }

  @Test func ofManySamplesTheFirstOfEachCellAreThere() {
    let room = PageRoom(samples: 10_000_000, cells: 10_000)
    #expect(room.samplesOfCell == 2)
    #expect(room.charactersOfText == 400)
    #expect(room.remark.contains("of 10000000 in all"))
    #expect(PageRoom(samples: 50_000, cells: 40_000).samplesOfCell == 1)
  }
}
