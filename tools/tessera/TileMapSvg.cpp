//===- TileMapSvg.cpp - a drawing of which tiles a program visits ---------===//
//
// Inside of the plot one unit is one position, so that every number there is a
// place in a sequence; a transformation scales the plot to the page.
//
//===----------------------------------------------------------------------===//

#include "tools/tessera/TileMapSvg.h"

#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>

#include <cmath>

using namespace llvm;
using namespace tessera;

ArrayRef<TileKindInfo> tessera::tileKinds() {
  static const TileKindInfo infos[] = {
      {TileKind::skipped, '.', "skipped", "nothing is visible"},
      {TileKind::masked, 'o', "masked", "partly visible"},
      {TileKind::full, '#', "full", "all visible, no mask"},
      {TileKind::undecided, '?', "undecided", "looked at when the program runs"},
  };
  return infos;
}

// In pixels.
static constexpr double plotSize = 640, leastPlotSize = 160;
static constexpr double marginLeft = 78, marginTop = 98, marginRight = 26;
static constexpr double legendLine = 22, marginBottom = 18;
/// Wide enough for every line of the legend.
static constexpr double leastWidth = 420;
/// Of one character, relative to the size of its font; generous.
static constexpr double characterWidth = 0.6;

/// More lines than this between tiles are a gray haze.
static constexpr int64_t mostGridLines = 96;
static constexpr int64_t mostTicks = 9;

/// Colours of both themes keep their distance under common colour blindness:
/// light gray, orange, blue, violet.
static constexpr const char *style = R"(<style>
  .page { fill: #ffffff } .skipped { fill: #eef0f3 } .masked { fill: #f0a24e }
  .full { fill: #4a86cf } .undecided { fill: #a77bd0 }
  text { fill: #1f2328; font-family: system-ui, sans-serif; font-size: 12px }
  .title { font-weight: 600 } .quiet { fill: #59636e }
  .line { fill: none; vector-effect: non-scaling-stroke }
  .grid { stroke: #ffffff; stroke-width: 1; stroke-opacity: 0.6 }
  .edge { stroke: #1f2328; stroke-width: 1.1 }
  .axis { stroke: #59636e; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .skipped { fill: #21262d } .masked { fill: #c97a1e }
    .full { fill: #2f6cb8 } .undecided { fill: #8254b0 }
    text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .grid { stroke: #0d1117 } .edge { stroke: #f0f6fc } .axis { stroke: #9198a1 }
  }
</style>
)";

namespace {

/// Draws one map.
class SvgWriter {
public:
  SvgWriter(const TileMapDrawing &drawing, raw_ostream &os);
  void write();

private:
  void text(double x, double y, StringRef attributes, StringRef content);
  void tiles();
  void grid();
  void edges();
  void axes();
  void legend();

  const TileMapDrawing &drawing;
  const TileMap &map;
  raw_ostream &os;
  double plotWidth, plotHeight;
};

} // namespace

SvgWriter::SvgWriter(const TileMapDrawing &drawing, raw_ostream &os)
    : drawing(drawing), map(drawing.map), os(os) {
  double unit = plotSize / std::max(drawing.seqlenQ, drawing.seqlenKv);
  plotWidth = std::max(drawing.seqlenKv * unit, leastPlotSize);
  plotHeight = std::max(drawing.seqlenQ * unit, leastPlotSize);
}

void SvgWriter::text(double x, double y, StringRef attributes, StringRef content) {
  os << fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}{}>", x, y, attributes.empty() ? "" : " ",
                    attributes.str());
  printHTMLEscaped(content, os);
  os << "</text>\n";
}

/// One rectangle for each run of equal tiles in a row, cut at the sequences'
/// ends. What is skipped is the ground under them.
void SvgWriter::tiles() {
  os << fmt::format("<rect class=\"skipped\" width=\"{}\" height=\"{}\"/>\n", drawing.seqlenKv,
                    drawing.seqlenQ);
  for (const TileKindInfo &info : tileKinds()) {
    if (info.kind == TileKind::skipped || !map.count(info.kind))
      continue;
    os << fmt::format("<g class=\"{}\" shape-rendering=\"crispEdges\">\n", info.name.str());
    for (int64_t i = 0; i < map.queryTiles; ++i)
      for (int64_t j = 0, end; j < map.keyTiles; j = end) {
        for (end = j + 1; end < map.keyTiles && map.at(i, end) == map.at(i, j);)
          ++end;
        if (map.at(i, j) != info.kind)
          continue;
        int64_t x = j * map.blockN, y = i * map.blockM;
        os << fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", x, y,
                          std::min(end * map.blockN, drawing.seqlenKv) - x,
                          std::min(y + map.blockM, drawing.seqlenQ) - y);
      }
    os << "</g>\n";
  }
}

/// Lines between tiles.
void SvgWriter::grid() {
  os << "<path class=\"line grid\" d=\"";
  if (map.keyTiles <= mostGridLines)
    for (int64_t j = 1; j < map.keyTiles; ++j)
      os << fmt::format("M{} 0v{}", j * map.blockN, drawing.seqlenQ);
  if (map.queryTiles <= mostGridLines)
    for (int64_t i = 1; i < map.queryTiles; ++i)
      os << fmt::format("M0 {}h{}", i * map.blockM, drawing.seqlenKv);
  os << "\"/>\n";
}

/// Lines between visible and hidden elements.
void SvgWriter::edges() {
  int64_t rows = drawing.seqlenQ, columns = drawing.seqlenKv;
  auto seen = [&](int64_t i, int64_t j) { return drawing.elements[i * columns + j]; };
  os << "<path class=\"line edge\" d=\"";
  for (int64_t i = 1; i < rows; ++i)
    for (int64_t j = 0, end; j < columns; j = end + 1) {
      for (end = j; end < columns && seen(i - 1, end) != seen(i, end);)
        ++end;
      if (end > j)
        os << fmt::format("M{} {}h{}", j, i, end - j);
    }
  for (int64_t j = 1; j < columns; ++j)
    for (int64_t i = 0, end; i < rows; i = end + 1) {
      for (end = i; end < rows && seen(end, j - 1) != seen(end, j);)
        ++end;
      if (end > i)
        os << fmt::format("M{} {}v{}", j, i, end - i);
    }
  os << "\"/>\n";
}

/// The distance between ticks: whole tiles, doubled until few enough.
static int64_t tickStep(int64_t length, int64_t tile) {
  int64_t step = tile;
  while (length / step >= mostTicks)
    step *= 2;
  return step;
}

void SvgWriter::axes() {
  os << fmt::format("<path class=\"line axis\" d=\"M{0} {1}v{3:.1f}M{0} {1}h{2:.1f}\"/>\n",
                    marginLeft, marginTop, plotWidth, plotHeight);
  int64_t step = tickStep(drawing.seqlenKv, map.blockN);
  for (int64_t at = 0; at < drawing.seqlenKv; at += step) {
    double x = marginLeft + plotWidth * at / drawing.seqlenKv;
    os << fmt::format("<path class=\"line axis\" d=\"M{:.1f} {}v-5\"/>\n", x, marginTop);
    text(x, marginTop - 9, "text-anchor=\"middle\"", fmt::format("{}", at));
  }
  step = tickStep(drawing.seqlenQ, map.blockM);
  for (int64_t at = 0; at < drawing.seqlenQ; at += step) {
    double y = marginTop + plotHeight * at / drawing.seqlenQ;
    os << fmt::format("<path class=\"line axis\" d=\"M{} {:.1f}h-5\"/>\n", marginLeft, y);
    text(marginLeft - 9, y + 4, "text-anchor=\"end\"", fmt::format("{}", at));
  }
  text(marginLeft + plotWidth / 2, marginTop - 28, "class=\"quiet\" text-anchor=\"middle\"",
       "keys");
  double x = 16, y = marginTop + plotHeight / 2;
  text(x, y,
       fmt::format("class=\"quiet\" text-anchor=\"middle\" "
                   "transform=\"rotate(-90 {} {:.1f})\"",
                   x, y),
       "queries");
}

void SvgWriter::legend() {
  double y = marginTop + plotHeight + legendLine;
  for (const TileKindInfo &info : tileKinds()) {
    int64_t count = map.count(info.kind);
    if (!count && info.kind == TileKind::undecided)
      continue;
    os << fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{:.1f}\" width=\"14\" "
                      "height=\"14\"/>\n",
                      info.name.str(), marginLeft, y - 11);
    text(marginLeft + 22, y, "",
         fmt::format("{}: {} of {} tiles, {:.1f} % ({})", info.name.str(), count, map.kinds.size(),
                     100.0 * count / map.kinds.size(), info.help.str()));
    y += legendLine;
  }
  if (drawing.elements.empty())
    return;
  os << fmt::format("<path class=\"line edge\" d=\"M{} {:.1f}h14\"/>\n", marginLeft, y - 4);
  text(marginLeft + 22, y, "", "between visible and hidden elements");
}

void SvgWriter::write() {
  double width = marginLeft + std::max(plotWidth, leastWidth) + marginRight;
  int64_t legendLines = 3 + (map.count(TileKind::undecided) > 0) + !drawing.elements.empty();
  double height = marginTop + plotHeight + legendLines * legendLine + marginBottom;
  os << fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
                    "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\">\n",
                    std::ceil(width), std::ceil(height));
  os << "<title>";
  printHTMLEscaped(drawing.title, os);
  os << "</title>\n" << style << "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";

  // A long line gets a smaller font.
  auto heading = [&](double y, StringRef kind, double size, StringRef content) {
    double fits = (width - 2 * marginRight) / (characterWidth * content.size());
    text(
        marginRight, y,
        fmt::format("class=\"{}\" style=\"font-size: {:.1f}px\"", kind.str(), std::min(size, fits)),
        content);
  };
  heading(26, "title", 15, drawing.title);
  heading(45, "quiet", 12, drawing.subtitle);

  os << fmt::format("<g transform=\"translate({} {}) scale({:.6g} {:.6g})\">\n", marginLeft,
                    marginTop, plotWidth / drawing.seqlenKv, plotHeight / drawing.seqlenQ);
  tiles();
  grid();
  if (!drawing.elements.empty())
    edges();
  os << "</g>\n";
  axes();
  legend();
  os << "</svg>\n";
}

void tessera::writeSvg(const TileMapDrawing &drawing, raw_ostream &os) {
  SvgWriter(drawing, os).write();
}
