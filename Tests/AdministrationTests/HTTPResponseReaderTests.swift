import Testing

@testable import Administration

@Suite("Reading a response")
struct HTTPResponseReaderTests {
  private func read(_ text: String, pieces: Int) -> (status: Int?, body: String?, complete: Bool) {
    var reader = HTTPResponseReader()
    var body: [UInt8] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: pieces) {
      guard let read = reader.read(Array(bytes[start..<min(start + pieces, bytes.count)])) else {
        return (reader.status, nil, false)
      }
      body += read
    }
    return (reader.status, String(decoding: body, as: UTF8.self), reader.isComplete)
  }

  @Test("gives the same body however it is cut into pieces", arguments: 1...80)
  func pieces(size: Int) {
    let plain = read("HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nhello", pieces: size)
    #expect(plain == (403, "hello", true))
    let chunked = read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1A\r\n"
        + "abcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", pieces: size)
    #expect(chunked == (200, "abcabcdefghijklmnopqrstuvwxyz", true))
  }

  @Test("is not complete before its end")
  func incomplete() {
    #expect(!read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", pieces: 9).complete)
    #expect(
      !read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", pieces: 9).complete
    )
  }

  @Test("refuses what the service does not send")
  func malformed() {
    for text in [
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
      String(repeating: "x", count: HTTPResponseReader.longestHead + 1),
    ] {
      #expect(read(text, pieces: 10_000).body == nil, "\(text.prefix(60))")
    }
  }
}
