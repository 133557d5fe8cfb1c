import AsyncHTTPClient
import Bytes
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix

/// A question to a page that runs on this host.
package enum PageQuestion {
  package enum Reply: Sendable {
    case answer(String)
    case refused(String)
    case noService
  }

  /// Asks at the socket of administration.
  package static func ask(_ path: String, at socket: String) async -> Reply {
    // The one of the process, which asks one question and ends.
    let client = HTTPClient.shared
    guard let url = URL(httpURLWithSocketPath: socket, uri: path) else { return .noService }
    do {
      let response = try await client.execute(
        HTTPClientRequest(url: url.absoluteString), timeout: .seconds(20))
      let body = try await response.body.collect(upTo: 4 << 20)
      let bytes = Array(body.readableBytesView)
      if response.status == .ok { return .answer(String(decoding: bytes, as: UTF8.self)) }
      return .refused(title(bytes) ?? "the page answers \(response.status.code)")
    } catch {
      return .noService
    }
  }

  private static func title(_ problem: [UInt8]) -> String? {
    guard let document = try? JSONDocument(problem.rawSpan),
      let node = document.member("title", of: document.root)
    else { return nil }
    return document.string(of: node)
  }
}
