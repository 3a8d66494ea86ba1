import Analysis
import Scoring

/// What a page is made of: Markdown and HTML render the same blocks, so they say the same.
enum Block {
  case heading(String)
  case subheading(Sentence)
  case paragraph(Sentence)
  /// An explanation in small print.
  case note(Sentence)
  case list([Sentence])
  case table(ReportTable)
  /// Tables coloured by their shares, side by side where there is room, under one title.
  case heatMaps(String, [ReportTable])
  /// Words of prompts and models.
  case quote([Sentence])
  /// Blocks that a reader opens where the page can fold.
  case details(String, [Block])
  /// Curves, where the page can draw.
  case chart(ChartFigure)
  case scatter(ScatterFigure)
  /// Every sample with filters, where the page can run a script.
  case samples
}

/// A table whose cells are text with a meaning.
struct ReportTable {
  struct Column {
    var title: String
    var isNumber: Bool

    static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  enum Tone: String {
    case better, worse
  }

  struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    var content: Phrase
    /// What stands smaller beside or below it, such as an interval.
    var detail = ""
    var tone: Tone?
    /// 0 to 1: how strongly the cell is coloured in a heat map.
    var heat: Double?

    init(_ text: String, detail: String = "", tone: Tone? = nil, heat: Double? = nil) {
      content = .text(text)
      self.detail = detail
      self.tone = tone
      self.heat = heat
    }

    init(code: String) { content = .code(code) }
    init(stringLiteral value: String) { content = .text(value) }
  }

  /// What a reader who hears the table is told first.
  var caption: String
  var columns: [Column]
  var rows: [[Cell]]
  /// Whether the caption is written out where tables have none of their own.
  var needsCaption = false
  /// A heat map: cells coloured by their share, the first column naming the rows.
  var isHeatMap = false
}

/// Curves over the strength with a title.
struct ChartFigure {
  var id: String
  var title: String
  var explanation: String
  /// What the x axis is.
  var axis: String
  var series: [ChartSeries]
}

/// Points between two shares.
struct ScatterFigure {
  struct Point {
    var name: String
    /// Which colour and marker; points of one kind share it.
    var style: Int
    var x: TradeoffPoint.Share
    var y: TradeoffPoint.Share
    var isOnFront: Bool
    /// Shown, but not to be chosen.
    var isFaint: Bool
    /// What is told of it when it is pointed at.
    var title: String
  }

  var id: String
  var title: String
  var explanation: String
  /// What the x axis is.
  var axis: String
  var points: [Point]
}

extension TradeoffPoint.Share {
  var lower: Double { interval.lower }
  var upper: Double { interval.upper }
}
