import ArgumentParser
import Checkpoints
import Evaluation
import Foundation
import LoX

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

  @OptionGroup(title: "Models") var pair: PairOptions

  @Option(
    help: ArgumentHelp(
      "A fine-tuned model: a folder of weights, or a PEFT folder.", valueName: "dir"))
  var tuned: String?

  @Option(help: "k, for the energy and the ratios.")
  var rank = 6

  @Option(help: "table, csv or json.")
  var format = Format.table

  @OptionGroup(title: "General") var common: CommonOptions

  func validate() throws {
    guard rank >= 1 else { throw ValidationError("--rank: expected at least 1, found \(rank)") }
  }

  func run() throws {
    let console = common.start()
    let pair = try pair.open()
    let tuned = try tuned.map { try Self.open($0, pair) }
    var spectra: [TensorSpectrum] = []
    for (index, name) in pair.targetNames.enumerated() {
      spectra.append(
        try pair.spectrum(of: name, rank: rank, count: max(rank, 6), tuned: tuned))
      console.show(.count(what: "tensors", done: index + 1, total: pair.targetNames.count))
    }
    spectra.sort { ($1.frobeniusNorm, $0.name) < ($0.frobeniusNorm, $1.name) }
    switch format {
    case .table: print(table(spectra))
    case .csv: print(csv(spectra), terminator: "")
    case .json:
      print(String(decoding: try RunManifest.encode(spectra), as: UTF8.self), terminator: "")
    }
  }

  private static func open(_ path: String, _ pair: AlignmentPair) throws -> TunedModel {
    let folder = URL(filePath: path)
    let isAdapter = FileManager.default.fileExists(
      atPath: folder.appending(path: "adapter_config.json").path)
    return isAdapter
      ? .adapter(try LowRankUpdate(peftFolder: folder, checkpoint: pair.aligned))
      : .checkpoint(try Checkpoint(folder: folder))
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
      var line = spectrum.name.padding(
        toLength: max(44, spectrum.name.count), withPad: " ", startingAt: 0)
      line += String(repeating: " ", count: max(1, 13 - shape.count)) + shape
      line += String(
        format: " %8.4f %8.4f %8.4f  %5.1f %%  %7.4f", spectrum.frobeniusNorm, values.first ?? 0,
        values.prefix(rank).last ?? 0, spectrum.energy * 100, spectrum.alignmentRatio)
      if tuned != nil {
        line += spectrum.fineTuningRatio.map { String(format: "  %7.4f", $0) } ?? "        –"
      }
      lines.append(line)
    }
    let norm = spectra.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm }
    let kept = spectra.reduce(0) { $0 + $1.frobeniusNorm * $1.frobeniusNorm * $1.energy }
    lines.append(
      String(
        format: "%d tensors, norm %.4f, %.1f %% of the energy in the top %d directions",
        spectra.count, norm.squareRoot(), norm > 0 ? kept / norm * 100 : 0, rank))
    return lines.joined(separator: "\n")
  }

  private func csv(_ spectra: [TensorSpectrum]) -> String {
    var lines = ["tensor,rows,columns,frobenius,energy,R_align,R_ft,singular_values"]
    for spectrum in spectra {
      lines.append(
        [
          spectrum.name, "\(spectrum.shape[0])", "\(spectrum.shape[1])",
          "\(spectrum.frobeniusNorm)", "\(spectrum.energy)", "\(spectrum.alignmentRatio)",
          spectrum.fineTuningRatio.map { "\($0)" } ?? "",
          spectrum.singularValues.map { "\($0)" }.joined(separator: " "),
        ].joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
