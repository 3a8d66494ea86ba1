import Analysis
import Support

/// Treatments between two shares, both better the lower they are: a point with its two intervals each, and the
/// front of those that no other beats in both.
struct SVGScatter {
  /// Unique on the page.
  var id: String
  var figure: ScatterFigure
  /// On a narrow screen points have numbers and the names stand below.
  var isNarrow: Bool

  private var width: Double { isNarrow ? 344 : 760 }
  private var plotHeight: Double { isNarrow ? 240 : 330 }
  private let top = 22.0
  private let left = 46.0
  private var right: Double { isNarrow ? 14 : 24 }
  private var bottom: Double { top + plotHeight }
  private var plotRight: Double { width - right }
  private var keyColumns: Int { isNarrow ? 1 : 2 }
  private var keyRows: Int { (figure.points.count + keyColumns - 1) / keyColumns }
  private var height: Double { bottom + 56 + Double(keyRows) * 20 + 6 }

  private func x(_ share: Double) -> Double { left + max(0, min(1, share)) * (plotRight - left) }
  private func y(_ share: Double) -> Double { bottom - max(0, min(1, share)) * plotHeight }

  func render() -> String {
    SVG.figure(
      id: id, isNarrow: isNarrow, width: width, height: height, title: figure.title,
      description: figure.explanation,
      parts: [axes, front] + figure.points.map(intervals) + figure.points.map(marker) + [
        numbers, key,
      ])
  }

  private var axes: String {
    var parts: [String] = []
    for share in [0, 0.25, 0.5, 0.75, 1] {
      let text = "\(Int(share * 100)) %"
      parts.append(SVG.line(share == 0 ? "axis" : "grid", left, y(share), plotRight, y(share)))
      parts.append(SVG.text("tick", left - 8, y(share) + 4, anchor: "end", text))
      parts.append(SVG.line(share == 0 ? "axis" : "grid", x(share), top, x(share), bottom))
      parts.append(
        SVG.text(
          "tick", x(share), bottom + 18, anchor: share == 1 ? "end" : "middle", text))
    }
    parts.append(
      SVG.text("name", (left + plotRight) / 2, bottom + 36, anchor: "middle", figure.axis))
    return parts.joined(separator: "\n")
  }

  /// A step from each treatment on the front to the next: what lies above and to the right of it is beaten.
  private var front: String {
    let places = figure.points.filter(\.isOnFront).map { ($0.x.rate, $0.y.rate) }.sorted { $0 < $1 }
    guard places.count > 1 else { return "" }
    var corners: [(Double, Double)] = []
    for (index, place) in places.enumerated() {
      if index > 0 { corners.append((x(place.0), y(places[index - 1].1))) }
      corners.append((x(place.0), y(place.1)))
    }
    let text = corners.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }.joined(separator: " ")
    return "<polyline class=\"front\" points=\"\(text)\"/>"
  }

  private func style(_ point: ScatterFigure.Point) -> String {
    SeriesStyle.className(point.style) + (point.isFaint ? " faint" : "")
  }

  private func intervals(_ point: ScatterFigure.Point) -> String {
    let (h, v) = (point.x, point.y)
    return "<g class=\"\(style(point)) interval\">"
      + SVG.line("bar", x(h.lower), y(v.rate), x(h.upper), y(v.rate))
      + SVG.line("bar", x(h.rate), y(v.lower), x(h.rate), y(v.upper)) + "</g>"
  }

  private func marker(_ point: ScatterFigure.Point) -> String {
    "<g class=\"\(style(point))\">"
      + SeriesStyle.marker(point.style, x: x(point.x.rate), y: y(point.y.rate), title: point.title)
      + "</g>"
  }

  /// Each point's number beside it; points that all but coincide share one label.
  private var numbers: String {
    var labels: [(x: Double, y: Double, text: String)] = []
    for (index, point) in figure.points.enumerated() {
      let (x, y) = (x(point.x.rate), y(point.y.rate))
      if let near = labels.firstIndex(where: { abs($0.x - x) < 24 && abs($0.y - y) < 14 }) {
        labels[near].text += ", \(index + 1)"
      } else {
        labels.append((x, y, "\(index + 1)"))
      }
    }
    return labels.map { label in
      // At the right edge there is no room beside a point.
      let isLast = label.x > plotRight - 60
      return SVG.text(
        "tick", label.x + (isLast ? -8 : 8), label.y - 6, anchor: isLast ? "end" : "start",
        label.text)
    }.joined(separator: "\n")
  }

  private var key: String {
    figure.points.enumerated().map { index, point in
      let column = Double(index / keyRows)
      let start = left + column * (plotRight - left) / Double(keyColumns)
      let place = bottom + 60 + Double(index % keyRows) * 20
      let mark = point.isOnFront ? " ★" : ""
      return "<g class=\"\(style(point))\">"
        + SeriesStyle.marker(point.style, x: start + 6, y: place, title: nil)
        + SVG.text("label", start + 18, place + 4, "\(index + 1)  \(point.name)\(mark)") + "</g>"
    }.joined(separator: "\n")
  }
}
