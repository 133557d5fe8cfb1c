/// The candidate that a misspelled word most likely meant; nil where none is close.
///
/// Close is an edit distance of at most 2, or a third of the word's length where that is more.
package func closest(to word: String, among candidates: [String]) -> String? {
  let bound = max(2, word.count / 3)
  var best: (distance: Int, candidate: String)?
  for candidate in candidates where !candidate.isEmpty {
    let distance = editDistance(word, candidate)
    if distance <= min(bound, candidate.count - 1), distance < best?.distance ?? .max {
      best = (distance, candidate)
    }
  }
  return best?.candidate
}

/// The insertions, deletions, replacements and swaps of neighbours that make one word the other
/// (optimal string alignment). Words past 64 characters count as unlike everything.
private func editDistance(_ one: String, _ other: String) -> Int {
  let (a, b) = (Array(one.unicodeScalars), Array(other.unicodeScalars))
  guard a.count <= 64, b.count <= 64 else { return .max }
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var least = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        least = min(least, rows[i - 1][j - 1] + 1)
      }
      row.append(least)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
