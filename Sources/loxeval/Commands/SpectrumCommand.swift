import ArgumentParser
import Checkpoints
import Foundation
import LoX
import Reporting
import Runs
import Studies
import Support

struct SpectrumCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, csv, json
  }

  static let configuration = CommandConfiguration(
    commandName: "spectrum",
    abstract: "Shows where the alignment lies: norms, singular values and energy of ΔW.",
    discussion: """
      R_align = ‖Proj_k(ΔW)‖ / ‖ΔW‖; with --tuned also R_ft, the share of the whole change that \
      still lies in the alignment's top directions after fine-tuning.
      """)

  @OptionGroup var pair: PairOptions

  @Option(
    help: ArgumentHelp(
      "A fine-tuned model: a folder of weights, or a PEFT folder; or a name on the hub.",
      valueName: "dir|name"))
  var tuned: String?

  @Option(in: Rank.range, help: "k, for the energy and the ratios.")
  var rank = Self.standardRank

  @Option(help: "How it is printed: table, csv or json.")
  var format = Format.table

  @OptionGroup var common: CommonOptions

  /// As LoX's own.
  private static let standardRank = Rank.standard.most ?? 1

  func run() throws {
    let console = common.start()
    let folders = ModelFolders(console)
    let pair = try pair.open(folders)
    let tuned = try tuned.map {
      try TunedModel(folder: folders.either($0, as: "tuned"), aligned: pair.aligned)
    }
    console.note(of: pair)
    let spectra = try pair.spectra(
      rank: rank, count: max(rank, Self.standardRank), tuned: tuned, threads: common.threadCount
    ) { done, total in
      try Interruption.shared.check()
      console.show(.count(what: "tensors", done: done, total: total))
    }
    switch format {
    case .table: Screen.shared.print(table(spectra))
    case .csv: Screen.shared.print(csv(spectra))
    case .json:
      Screen.shared.print(
        String(decoding: try StableJSON.encodePretty(spectra), as: UTF8.self))
    }
  }

  private func table(_ spectra: [TensorSpectrum]) -> String {
    var lines = [
      "tensor".padding(toLength: 44, withPad: " ", startingAt: 0)
        + "        shape     norm  sigma_1  sigma_k  energy  R_align"
        + (tuned == nil ? "" : "     R_ft")
    ]
    for spectrum in spectra {
      let shape = spectrum.shape.map(String.init).joined(separator: "x")
      let values = spectrum.singularValues
      var line = PrintableText.line(spectrum.name)
      line += String(repeating: " ", count: max(0, 44 - DisplayWidth.of(line)))
      line += String(repeating: " ", count: max(1, 13 - shape.count)) + shape
      line += String(
        format: " %8.4f %8.4f %8.4f  %5.1f %%  %7.4f", spectrum.frobeniusNorm, values.first ?? 0,
        values.prefix(rank).last ?? 0, spectrum.energy * 100, spectrum.alignmentRatio)
      if tuned != nil {
        line += spectrum.fineTuningRatio.map { String(format: "  %7.4f", $0) } ?? "        –"
      }
      lines.append(line)
    }
    func total(_ name: String, _ count: Int, _ norm: Double, _ energy: Double) -> String {
      name.padding(toLength: 44, withPad: " ", startingAt: 0)
        + String(format: "%13d %8.4f                    %5.1f %%", count, norm, energy * 100)
    }
    let kinds = KindSpectrum.totals(of: spectra)
    lines.append("")
    lines.append(
      "kind".padding(toLength: 44, withPad: " ", startingAt: 0) + "      tensors     norm")
    lines += kinds.map { total($0.kind, $0.tensors, $0.frobeniusNorm, $0.energy) }
    let squares = kinds.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm }
    let kept = kinds.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm * $1.energy }
    lines.append(
      total("all", spectra.count, squares.squareRoot(), squares > 0 ? kept / squares : 0))
    return lines.joined(separator: "\n")
  }

  private func csv(_ spectra: [TensorSpectrum]) -> String {
    var lines = ["tensor,rows,columns,frobenius,energy,R_align,R_ft,singular_values"]
    for spectrum in spectra {
      lines.append(
        [
          SummaryCSV.text(spectrum.name), "\(spectrum.shape[0])", "\(spectrum.shape[1])",
          "\(spectrum.frobeniusNorm)", "\(spectrum.energy)", "\(spectrum.alignmentRatio)",
          spectrum.fineTuningRatio.map { "\($0)" } ?? "",
          spectrum.singularValues.map { "\($0)" }.joined(separator: " "),
        ].joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
