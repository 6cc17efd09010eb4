/// Names of this program.
public enum Ingot {
  public static let version = "0.2.0"
  /// As net files record it.
  public static let tool = "ingot \(version)"
}
