import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Handshake PORT HOST: ends with 0 where this Java trusts what a server on loopback shows for HOST, else with 1. */
public class Handshake {
    public static void main(String[] words) throws Exception {
        int port = Integer.parseInt(words[0]);
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
                SSLSocket socket = (SSLSocket) factory.createSocket(plain, words[1], port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
        } catch (SSLException error) {
            System.err.println("refused: " + error.getMessage());
            System.exit(1);
        }
    }
}
