import NIOCore
import Testing

@testable import VaultServer

@Suite("A body in chunks")
struct ChunkedBodyTests {
  /// What came of a text that arrives in pieces of `length`: the outcome, the body, and what is left.
  private func read(
    _ text: String, limit: Int = 16, piecesOf length: Int = .max
  ) -> (outcome: ChunkedBody.Outcome, body: String, rest: String) {
    var body = ChunkedBody()
    var outcome = ChunkedBody.Outcome.incomplete
    var rest = ByteBuffer(string: text)
    var input = ByteBuffer()
    while outcome == .incomplete, rest.readableBytes > 0 {
      guard var piece = rest.readSlice(length: min(length, rest.readableBytes)) else { break }
      input.writeBuffer(&piece)
      outcome = body.read(&input, limit: limit)
      if outcome == .incomplete { #expect(input.readableBytes == 0) }
    }
    let gathered = String(buffer: body.take())
    return (outcome, gathered, String(buffer: input) + String(buffer: rest))
  }

  @Test(arguments: [
    ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"),
    ("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello"),
    ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
    ("9\r\n0\r\n\r\n90\r\n\r\n0\r\n\r\n", "0\r\n\r\n90\r\n"),
    ("00000005\r\nhello\r\n000\r\n\r\n", "hello"),
    ("10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"),
    ("5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"), ("5; a = \"b;c\"\t\r\nhello\r\n0\r\n\r\n", "hello"),
  ])
  func `chunks are joined, and what follows is left`(text: String, body: String) {
    for length in [Int.max, 1, 2, 3] {
      let read = read(text + "POST", piecesOf: length)
      #expect(read.outcome == .complete)
      #expect(read.body == body)
      #expect(read.rest == "POST")
    }
  }

  @Test(arguments: [
    // No size, or another form of one.
    "\r\n", ";a\r\n", " 5\r\n", "5 \r\n", "5\t;a\r\n", "+5\r\n", "-5\r\n", "0x5\r\n", "5h\r\n",
    "5_\r\n", "g\r\n", "5,5\r\n", "000000005\r\n", "100000000\r\n", "ffffffffffffffff5\r\n",
    "\u{663}\r\n",
    // Lines that end otherwise.
    "5\nhello", "5\rhello", "5\r\rhello", "5;a\nhello", "5;a\r5", "5;\"a\r\n\"\r\nhello",
    "5;a\u{0}\r\n", "5;a\u{7f}\r\n", "5;caf\u{e9}\r\n",
    // Data that is shorter or longer than its size.
    "5\r\nhello\n", "5\r\nhello0\r\n", "5\r\nhello\r0\r\n", "5\r\nhello5\r\nhello\r\n",
    "5\r\nhell\r\n0\r\n\r\n", "5\r\nhello\r\n\r\n",
    // Trailers, and other ends than the one.
    "0\r\nX: a\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n", "0\r\n\n", "0\r\n\rX", "0\r\n0\r\n\r\n",
  ])
  func `what two readers could end in two places is malformed`(text: String) {
    for length in [Int.max, 1] {
      #expect(read(text + "0\r\n\r\n", piecesOf: length).outcome == .malformed)
    }
  }

  @Test(arguments: [
    "11\r\n", "ffffffff\r\n", "10\r\n0123456789abcdef\r\n1\r\n",
    "8\r\n01234567\r\n9\r\n",
  ])
  func `a body past the limit is refused before it comes`(text: String) {
    #expect(read(text, piecesOf: 1).outcome == .tooLarge)
  }

  @Test func `extensions are bounded over all chunks`() {
    let most = ChunkedBody.longestExtensions
    let half = ";" + String(repeating: "x", count: most / 2 - 1)
    let text = "1\(half)\r\na\r\n1\(half)\r\nb\r\n"
    #expect(read(text + "0\r\n\r\n").outcome == .complete)
    #expect(read(text + "0;\r\n\r\n").outcome == .malformed)
  }

  @Test func `a body that has not ended waits`() {
    for text in ["", "5", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello\r\n", "0\r\n", "0\r\n\r"] {
      #expect(read(text).outcome == .incomplete)
    }
  }

  @Test func `no bytes stop it, and none make it longer than its limit`() {
    var generator = SystemRandomNumberGenerator()
    let seed = Array("5;a\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n".utf8)
    for _ in 0..<4_000 {
      var text = seed
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text[place] = [9, 10, 13, 32, 48, 59, 255].randomElement(using: &generator) ?? 0
        case 1: text.remove(at: place)
        default: text.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        }
      }
      var body = ChunkedBody()
      var input = ByteBuffer(bytes: text)
      _ = body.read(&input, limit: 16)
      #expect(body.take().readableBytes <= 16)
    }
  }
}
