# Asks for the network, which no policy gets.
package forbidden

allow if http.send({"method": "get", "url": "http://127.0.0.1/"}).status_code == 200
