import Runs
import Support

/// A rate over the defence's strength: a curve with its confidence band for every series, labelled at its end.
struct SVGChart {
  /// Unique on the page.
  var id: String
  var title: String
  /// What a reader who cannot see the curves is told.
  var description: String
  /// What the x axis is.
  var axis: String
  var series: [ChartSeries]
  /// On a narrow screen the labels stand below the curves instead of beside them.
  var isNarrow: Bool

  private var width: Double { isNarrow ? 344 : 760 }
  private var plotHeight: Double { isNarrow ? 190 : 240 }
  private let top = 12.0
  private let left = 46.0
  /// Room for the longest name at the curves' ends.
  private var right: Double {
    let longest = series.map { min($0.name.count, Self.nameLimit) }.max() ?? 0
    return isNarrow ? 16 : 34 + Double(longest) * 7.6
  }
  private static let nameLimit = 22
  private var bottom: Double { top + plotHeight }
  private var plotRight: Double { width - right }
  private var height: Double {
    bottom + 44 + (isNarrow ? Double(series.count) * 20 + 6 : 0)
  }

  private var alphas: [Double] { Set(series.flatMap { $0.points.map(\.x) }).sorted() }

  private func x(_ alpha: Double) -> Double {
    let (first, last) = (alphas.first ?? 0, alphas.last ?? 1)
    guard last > first else { return (left + plotRight) / 2 }
    return left + 12 + (alpha - first) / (last - first) * (plotRight - left - 24)
  }

  private func y(_ rate: Double) -> Double { bottom - max(0, min(1, rate)) * plotHeight }

  func render() -> String {
    SVG.figure(
      id: id, isNarrow: isNarrow, width: width, height: height, title: title,
      description: description, parts: [axes] + series.map(band) + series.map(curve) + [labels])
  }

  // MARK: - Axes

  private var axes: String {
    var parts: [String] = []
    for rate in [0, 0.25, 0.5, 0.75, 1] {
      parts.append(SVG.line(rate == 0 ? "axis" : "grid", left, y(rate), plotRight, y(rate)))
      parts.append(
        SVG.text("tick", left - 8, y(rate) + 4, anchor: "end", "\(Int(rate * 100)) %"))
    }
    for alpha in ticks {
      parts.append(SVG.line("axis", x(alpha), bottom, x(alpha), bottom + 4))
      parts.append(SVG.text("tick", x(alpha), bottom + 18, anchor: "middle", Number.text(alpha)))
    }
    parts.append(
      SVG.text(
        "name", (left + plotRight) / 2, bottom + 36, anchor: "middle",
        axis))
    return parts.joined(separator: "\n")
  }

  /// Those α that can be written without touching each other; the first always.
  private var ticks: [Double] {
    var result: [Double] = []
    for alpha in alphas where result.last.map({ x(alpha) - x($0) >= 26 }) ?? true {
      result.append(alpha)
    }
    return result
  }

  // MARK: - Series

  /// The region between the intervals' ends; a bar where there is one point alone.
  private func band(_ series: ChartSeries) -> String {
    let points = series.points
    let className = SeriesStyle.className(series.style)
    guard points.count > 1 else {
      return points.map { point in
        SVG.line("\(className) bar", x(point.x), y(point.lower), x(point.x), y(point.upper))
      }.joined()
    }
    let corners =
      points.map { (x($0.x), y($0.upper)) } + points.reversed().map { (x($0.x), y($0.lower)) }
    return "<polygon class=\"\(className) band\" points=\"\(Self.places(corners))\"/>"
  }

  private func curve(_ series: ChartSeries) -> String {
    let places = series.points.map { (x($0.x), y($0.y)) }
    let dash = SeriesStyle.dash(series.style)
    let dashed = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
    let line =
      places.count > 1
      ? "<polyline class=\"curve\" points=\"\(Self.places(places))\"\(dashed)/>" : ""
    let markers = series.points.map { point in
      SeriesStyle.marker(series.style, x: x(point.x), y: y(point.y), title: point.title)
    }
    return "<g class=\"\(SeriesStyle.className(series.style))\">\(line)\(markers.joined())</g>"
  }

  private static func places(_ places: [(Double, Double)]) -> String {
    places.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }.joined(separator: " ")
  }

  // MARK: - Labels

  private var labels: String { isNarrow ? key : endLabels }

  /// A name at the end of each curve, moved apart where curves end together.
  private var endLabels: String {
    let distance = 17.0
    var labels = series.compactMap { series in
      series.points.last.map { (series: series, wanted: y($0.y), place: y($0.y)) }
    }.sorted { ($0.wanted, $0.series.style) < ($1.wanted, $1.series.style) }
    for index in labels.indices.dropFirst() {
      labels[index].place = max(labels[index].wanted, labels[index - 1].place + distance)
    }
    // What was pushed below the plot pushes the others up again.
    var floor = bottom + 4
    for index in labels.indices.reversed() {
      labels[index].place = min(labels[index].place, floor)
      floor = labels[index].place - distance
    }
    return labels.map { label in
      let end = x(label.series.points.last?.x ?? 0)
      return "<g class=\"\(SeriesStyle.className(label.series.style))\">"
        + SVG.line("leader", end + 7, label.wanted, plotRight + 6, label.place)
        + SeriesStyle.marker(label.series.style, x: plotRight + 14, y: label.place, title: nil)
        + SVG.text(
          "label", plotRight + 24, label.place + 4, Self.short(label.series.name, Self.nameLimit))
        + "</g>"
    }.joined(separator: "\n")
  }

  /// One line a series, with a piece of its curve.
  private var key: String {
    series.enumerated().map { index, series in
      let place = bottom + 54 + Double(index) * 20
      let dash = SeriesStyle.dash(series.style)
      let dashed = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
      return "<g class=\"\(SeriesStyle.className(series.style))\">"
        + "<polyline class=\"curve\" points=\"\(SVG.number(left)),\(SVG.number(place)) "
        + "\(SVG.number(left + 34)),\(SVG.number(place))\"\(dashed)/>"
        + SeriesStyle.marker(series.style, x: left + 17, y: place, title: nil)
        + SVG.text("label", left + 44, place + 4, Self.short(series.name, 36)) + "</g>"
    }.joined(separator: "\n")
  }

  private static func short(_ name: String, _ limit: Int) -> String {
    name.count <= limit ? name : name.prefix(limit - 1) + "…"
  }
}
